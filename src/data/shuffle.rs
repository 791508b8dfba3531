//! An order at random that takes no memory.
//!
//! A Feistel network permutes the numbers of an even number of bits; what falls outside of the range is
//! permuted again until it falls inside ("cycle walking", Black and Rogaway, *Ciphers with Arbitrary
//! Finite Domains*, 2002).

/// Four make a pseudo-random permutation (Luby and Rackoff, 1988); two more cost nothing here.
const ROUNDS: u64 = 6;

/// A permutation of 0 … `length` − 1 that depends on the seed only: the same on all machines.
#[derive(Clone, Debug)]
pub struct Permutation {
    length: u64,
    /// Bits of each half.
    half: u32,
    seed: u64,
}

impl Permutation {
    /// The permutation of this seed.
    pub fn new(length: usize, seed: u64) -> Permutation {
        let length = length as u64;
        let bits = u64::BITS - length.saturating_sub(1).leading_zeros();
        Permutation { length, half: bits.div_ceil(2).max(1), seed }
    }

    /// What is at this place, which must be below the length.
    pub fn at(&self, place: usize) -> usize {
        let mut value = place as u64;
        loop {
            value = self.permuted(value);
            if value < self.length {
                return value as usize;
            }
        }
    }

    fn permuted(&self, value: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (value >> self.half, value & mask);
        for round in 0..ROUNDS {
            let key = mixed(self.seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            (left, right) = (right, left ^ (mixed(right ^ key) & mask));
        }
        left << self.half | right
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(length: usize, seed: u64) -> Vec<usize> {
        let order = Permutation::new(length, seed);
        (0..length).map(|place| order.at(place)).collect()
    }

    proptest! {
        #[test]
        fn each_place_comes_once(length in 1usize..500, seed: u64) {
            let mut order = all(length, seed);
            order.sort_unstable();
            prop_assert_eq!(order, (0..length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_order_is_the_same_for_ever_and_depends_on_the_seed() {
        assert_eq!(all(10, 0), all(10, 0));
        assert_ne!(all(100, 0), all(100, 1));
        // The largest length does not overflow.
        assert!(Permutation::new(usize::MAX, 1).at(12345) < usize::MAX);
    }

    /// The first tenth is spread evenly: its mean is within four deviations of that of all.
    #[test]
    fn a_part_is_like_the_whole() {
        for seed in 0..20 {
            let order = Permutation::new(10_000, seed);
            let mean = (0..1000).map(|place| order.at(place) as f64).sum::<f64>() / 1000.0;
            assert!((mean - 4999.5).abs() < 4.0 * 2887.0 / 1000f64.sqrt(), "{mean}");
        }
    }
}
