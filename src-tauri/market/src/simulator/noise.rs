//! Numbers that look random and depend on nothing but their place.

/// Mixes a key and a place into 64 even bits (the finaliser of SplitMix64, applied to each in turn).
pub(super) fn hash(key: u64, level: u32, index: i64) -> u64 {
    let place = mix(key ^ (u64::from(level) << 56)).wrapping_add(index as u64);
    mix(place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A key made of another key and a text.
pub(super) fn key_of(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(seed), |key, byte| mix(key ^ u64::from(byte)))
}

/// A nearly normal number with mean 0 and variance 1, within ±3.5: the sum of four even ones.
///
/// Only additions and one multiplication, so that it is the same to the bit on every machine.
pub(super) fn gauss(hash: u64) -> f64 {
    let sum: u64 = (0..4).map(|part| (hash >> (16 * part)) & 0xffff).sum();
    (sum as f64 / 65_535.0 - 2.0) * 1.732_050_807_568_877_2
}

/// An even number in `0.0..1.0`.
pub(super) fn even(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let numbers: Vec<f64> = (0..20_000).map(|index| gauss(hash(7, 3, index))).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
        assert!(numbers.iter().all(|x| x.abs() < 3.5));
    }

    #[test]
    fn neighbouring_places_keys_and_levels_are_unrelated() {
        let correlation = |other: &dyn Fn(i64) -> u64| {
            (0..20_000).map(|i| gauss(hash(7, 3, i)) * gauss(other(i))).sum::<f64>() / 20_000.0
        };
        assert!(correlation(&|i| hash(7, 3, i + 1)).abs() < 0.03);
        assert!(correlation(&|i| hash(7, 4, i)).abs() < 0.03);
        assert!(correlation(&|i| hash(8, 3, i)).abs() < 0.03);
        assert_ne!(key_of(1, "ab"), key_of(1, "ba"));
    }
}
