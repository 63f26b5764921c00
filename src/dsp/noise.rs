//! Noise that depends on its place alone: the same place gives the same noise, whatever was drawn
//! before. Any thread; real-time safe.

use std::f32::consts::TAU;

/// Normal deviates number `first` and following of the sequence `seed` (Box & Muller, 1958, over
/// the mixing function of SplitMix64: Steele, Lea & Flood, 2014).
pub fn normal(seed: u64, first: u64, out: &mut [f32]) {
    for (n, out) in out.iter_mut().enumerate() {
        let place = first.wrapping_add(n as u64);
        let bits = mixed(seed ^ mixed(place.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        // Both are of 24 bits, the first above 0.
        let (radius, angle) = ((bits >> 40) as f32 + 1.0, (bits & 0xff_ffff) as f32);
        const STEP: f32 = 1.0 / (1 << 24) as f32;
        *out = (-2.0 * (radius * STEP).ln()).sqrt() * (TAU * angle * STEP).cos();
    }
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_normal_and_knows_its_place() {
        let mut all = vec![0.0; 100_000];
        normal(7, 0, &mut all);
        let moment = |power: i32| {
            let powers = all.iter().map(|x| f64::from(*x).powi(power));
            powers.sum::<f64>() / all.len() as f64
        };
        assert!(moment(1).abs() < 0.02);
        assert!((moment(2) - 1.0).abs() < 0.02);
        assert!(moment(3).abs() < 0.05);
        assert!((moment(4) - 3.0).abs() < 0.15);
        let neighbours = all.windows(2).map(|w| f64::from(w[0] * w[1]));
        assert!((neighbours.sum::<f64>() / all.len() as f64).abs() < 0.02);
        let mut part = vec![0.0; 50];
        normal(7, 1234, &mut part);
        assert_eq!(part, all[1234..1284]);
        normal(8, 1234, &mut part);
        assert_ne!(part, all[1234..1284]);
    }
}
