//! Data for `insert --init calibrate`, in each format.

mod files;
mod formats;
mod images;
mod misfits;
