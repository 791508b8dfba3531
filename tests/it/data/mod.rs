//! Data for `insert --init calibrate`, in each format.

pub mod files;
mod formats;
mod images;
mod misfits;
