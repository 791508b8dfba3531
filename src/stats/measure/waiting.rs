//! Samples that wait between two stages: in memory as far as that goes, else on disk.

use super::MeasureError;
use super::resident::resident;
use crate::engine::{Paused, SpillFile, Spilled};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A place for each sample.
pub struct Waiting {
    places: Vec<Mutex<Place>>,
    /// How many bytes may be in memory.
    limit: u64,
    /// How many bytes the process held before.
    resident: u64,
    used: AtomicU64,
    /// Written and read in turn: what a stage puts away the next one takes.
    files: [OnceLock<SpillFile>; 2],
    spilled: AtomicU64,
}

#[derive(Default)]
enum Place {
    #[default]
    Empty,
    Memory(Paused, u64),
    File(Spilled),
}

impl Waiting {
    /// Places for so many samples, with so many bytes of memory for all of them.
    pub fn new(samples: usize, limit: u64) -> Waiting {
        let places = (0..samples).map(|_| Mutex::default()).collect();
        let resident = resident().unwrap_or(0);
        let [used, spilled] = [const { AtomicU64::new(0) }; 2];
        Waiting { places, limit, resident, used, files: Default::default(), spilled }
    }

    /// How many bytes went to disk, all in all.
    pub fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Puts a sample in its place at the end of a stage; it takes so many bytes.
    pub fn put(&self, index: usize, stage: usize, sample: Paused, bytes: u64) -> Result<(), MeasureError> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let place = if self.fits(used) {
            Place::Memory(sample, bytes)
        } else {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            let spilled = self.file(stage)?.put(sample).map_err(MeasureError::Spill)?;
            // What is small stays in memory.
            self.spilled.fetch_add(spilled.bytes(), Ordering::Relaxed);
            Place::File(spilled)
        };
        *self.places[index].lock().unwrap_or_else(PoisonError::into_inner) = place;
        Ok(())
    }

    /// Whether so much may be in memory. Between samples that stay, what others leave is not always of use for
    /// the next ones: beyond a quarter of the limit, it counts what the process really holds.
    fn fits(&self, used: u64) -> bool {
        let held = || resident().map_or(0, |now| now.saturating_sub(self.resident));
        used <= self.limit / 4 || used <= self.limit && held() <= self.limit
    }

    /// Takes a sample that the stage before has put in its place.
    pub fn take(&self, index: usize, stage: usize) -> Result<Paused, MeasureError> {
        let place = std::mem::take(&mut *self.places[index].lock().unwrap_or_else(PoisonError::into_inner));
        match place {
            Place::Empty => Ok(Paused::default()),
            Place::File(spilled) => self.file(stage + 1)?.get(&spilled).map_err(MeasureError::Spill),
            Place::Memory(sample, bytes) => {
                self.used.fetch_sub(bytes, Ordering::Relaxed);
                Ok(sample)
            }
        }
    }

    /// Shows a sample that the end of this stage has put in its place.
    pub fn show<T>(
        &self,
        index: usize,
        stage: usize,
        look: impl FnOnce(&Paused) -> Result<T, MeasureError>,
    ) -> Result<T, MeasureError> {
        match &*self.places[index].lock().unwrap_or_else(PoisonError::into_inner) {
            Place::Empty => look(&Paused::default()),
            Place::File(spilled) => look(&self.file(stage)?.get(spilled).map_err(MeasureError::Spill)?),
            Place::Memory(sample, _) => look(sample),
        }
    }

    /// All samples have left the stage before this one's end.
    pub fn finish(&self, stage: usize) {
        if let Some(file) = self.files[(stage + 1) % 2].get() {
            file.clear();
        }
    }

    fn file(&self, stage: usize) -> Result<&SpillFile, MeasureError> {
        let file = &self.files[stage % 2];
        if file.get().is_none() {
            // Of two that are made at once, one is dropped.
            let _ = file.set(SpillFile::new().map_err(MeasureError::Spill)?);
        }
        file.get().ok_or(MeasureError::Died)
    }
}
