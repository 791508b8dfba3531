//! Samples that wait between two stages: in memory as far as that goes, else on disk.
//!
//! Where all fit, they wait as they are. Where they do not, memory is cut into slots that each hold a
//! sample of any stage, and are never given back: values of many sizes that come and go would leave gaps
//! between those that stay, and the process would hold twice what it may.

use super::MeasureError;
use crate::engine::{Paused, SpillFile, Spilled};
use crate::parallel::{ThreadError, lock};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

/// A place for each sample.
pub struct Waiting {
    places: Vec<Mutex<Place>>,
    /// Slots that are free; nothing where all samples fit as they are.
    slots: Option<Mutex<Vec<SpillFile>>>,
    /// Written and read in turn: what a stage puts away the next one takes.
    files: [OnceLock<SpillFile>; 2],
    spilled: AtomicU64,
}

#[derive(Default)]
enum Place {
    #[default]
    Empty,
    Memory(Paused),
    Slot(Spilled, SpillFile),
    File(Spilled),
}

/// How many samples of at most so many bytes wait in so much memory where not all of them fit. A
/// sixteenth of it is for those that are on their way.
pub fn slots(largest: u64, limit: u64) -> u64 {
    (limit - limit / 16) / largest.max(1)
}

impl Waiting {
    /// Places for so many samples, of at most so many bytes each, in so much memory.
    pub fn new(samples: usize, largest: u64, limit: u64) -> Waiting {
        let fits = largest.saturating_mul(samples as u64) <= limit;
        let slots = || (0..slots(largest, limit)).map(|_| SpillFile::in_memory(largest)).collect();
        Waiting {
            places: (0..samples).map(|_| Mutex::default()).collect(),
            slots: (!fits).then(|| Mutex::new(slots())),
            files: Default::default(),
            spilled: AtomicU64::new(0),
        }
    }

    /// How many bytes went to disk, all in all.
    pub fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Puts a sample in its place at the end of a stage.
    pub fn put(&self, index: usize, stage: usize, sample: Paused) -> Result<(), MeasureError> {
        let slot = self.slots.as_ref().map(|slots| lock(slots).pop());
        let place = match slot {
            None => Place::Memory(sample),
            Some(Some(slot)) => Place::Slot(slot.put(sample).map_err(MeasureError::Spill)?, slot),
            Some(None) => {
                let spilled = self.file(stage)?.put(sample).map_err(MeasureError::Spill)?;
                // What is small stays in memory.
                self.spilled.fetch_add(spilled.bytes(), Ordering::Relaxed);
                Place::File(spilled)
            }
        };
        *lock(&self.places[index]) = place;
        Ok(())
    }

    /// Takes a sample that the stage before has put in its place.
    pub fn take(&self, index: usize, stage: usize) -> Result<Paused, MeasureError> {
        let place = std::mem::take(&mut *lock(&self.places[index]));
        match place {
            Place::Empty => Ok(Paused::default()),
            Place::Memory(sample) => Ok(sample),
            Place::File(spilled) => self.file(stage + 1)?.get(&spilled).map_err(MeasureError::Spill),
            Place::Slot(spilled, slot) => {
                let sample = slot.get(&spilled).map_err(MeasureError::Spill)?;
                slot.clear();
                if let Some(slots) = &self.slots {
                    lock(slots).push(slot);
                }
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
        match &*lock(&self.places[index]) {
            Place::Empty => look(&Paused::default()),
            Place::Memory(sample) => look(sample),
            Place::Slot(spilled, slot) => look(&slot.get(spilled).map_err(MeasureError::Spill)?),
            Place::File(spilled) => look(&self.file(stage)?.get(spilled).map_err(MeasureError::Spill)?),
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
        Ok(file.get().ok_or(ThreadError::Died)?)
    }
}
