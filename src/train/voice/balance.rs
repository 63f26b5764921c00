//! The balance of a voice: what its spectrum is over all that it says. Errors of single frames hide
//! what is wrong with all of them alike, and what the synthesis adds is in no error at all. So what a
//! voice says is made into sound and heard as its recordings were, and the decoder's last bias takes
//! what the means differ by. Costs nothing when it sings.

use super::TrainError;
use super::clip::Clip;
use super::sample::{Held, difference_db};
use super::steps::Kept;
use crate::model::ddsp::OUTS;
use crate::model::ddsp::features::{BANDS as MELS, MEL};
use crate::model::ddsp::grid::{BANDS, hz};

/// Frames of 10 ms that are made into sound, at most.
const MOST: usize = 9_000;
/// How often: the second time finds what the first has not hit.
const PASSES: usize = 2;
/// The most that a point is changed by, in nats of power: 9 dB.
const MOST_NATS: f64 = 2.0;
/// Weights of neighbouring bands, on either side: what is finer is of single harmonics.
const SMOOTH: [f64; 3] = [3.0, 2.0, 1.0];
/// The share of the bandwidth that is heard: at its end everything falls.
const HEARD: f64 = 0.95;

/// Gives a voice the balance of clips of its speaker. `kept` has encoder, decoder and speaker as
/// files have them. Gives the distance of the mean spectra before and after, in dB; `None`, and
/// nothing changes, where no clip has a pitch.
///
/// # Errors
/// If the weights are not those of a voice.
pub fn balance(
    held: &Held,
    bandwidth_hz: f64,
    kept: &mut Kept,
) -> Result<Option<[f64; 2]>, TrainError> {
    let long_term = |kept: &Kept| held.made(kept.clone()).map(|made| held.long_term(&made));
    let Some(first) = long_term(kept)? else {
        return Ok(None);
    };
    let mut last = first;
    for _ in 0..PASSES {
        let mut next = kept.clone();
        apply(&points(&last, bandwidth_hz), &mut next);
        let found = long_term(&next)?;
        // What does not help is not kept.
        let Some(found) = found.filter(|found| difference_db(found) < difference_db(&last)) else {
            break;
        };
        (*kept, last) = (next, found);
    }
    Ok(Some([first, last].map(|found| difference_db(&found))))
}

/// Clips from all over, of [`MOST`] frames or little more.
pub fn some(clips: &[Clip]) -> Vec<Clip> {
    let total: usize = clips.iter().map(Clip::frames).sum();
    let every = total.div_ceil(MOST).max(1);
    clips.iter().step_by(every).cloned().collect()
}

/// What each point of the grid is to be changed by, in nats of power, for differences of amplitudes
/// in nats by band of what is heard. Above what is heard it is as at the end of it.
fn points(long_term: &[f64; MELS], bandwidth_hz: f64) -> [f64; BANDS] {
    let mel = |hz: f64| (hz / 700.0).ln_1p();
    let step = mel(MEL.highest_hz) / (MELS + 1) as f64;
    let place = |hz: f64| mel(hz) / step - 1.0;
    let end = place(HEARD * bandwidth_hz.min(MEL.highest_hz)).max(0.0);
    let last = (end as usize).min(MELS - 1);
    let smooth = |band: usize| {
        let terms = SMOOTH.iter().enumerate().flat_map(|(far, weight)| {
            let sides = [band.saturating_sub(far), (band + far).min(last)];
            sides.map(|n| (*weight, long_term[n]))
        });
        let (sum, all) = terms.fold((0.0, 0.0), |(sum, all), (w, x)| (sum + w * x, all + w));
        sum / all
    };
    let smooth: Vec<f64> = (0..=last).map(smooth).collect();
    std::array::from_fn(|point| {
        let at = place(f64::from(hz(point as f32))).clamp(0.0, last as f64);
        let below = at as usize;
        let above = (below + 1).min(last);
        let between = smooth[below] + (at - below as f64) * (smooth[above] - smooth[below]);
        (2.0 * between).clamp(-MOST_NATS, MOST_NATS)
    })
}

/// Changes the last layer of a decoder, as files have it.
fn apply(points: &[f64; BANDS], kept: &mut Kept) {
    if let Some((_, bias)) = kept.get_mut("decoder.head.bias") {
        debug_assert_eq!(bias.len(), OUTS);
        bias.iter_mut()
            .zip(points)
            .for_each(|(b, x)| *b += *x as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_take_what_bands_differ_by_and_hold_it_above() {
        // A slope in mel stays one; 1 nat of amplitude is 2 of power.
        let slope = std::array::from_fn(|band| 0.01 * band as f64 - 0.4);
        let found = points(&slope, 24_000.0);
        let mel = |hz: f64| (hz / 700.0).ln_1p();
        for (point, x) in found.into_iter().enumerate() {
            let hz = f64::from(hz(point as f32));
            if (300.0..7_000.0).contains(&hz) {
                let band = mel(hz) / mel(8_000.0) * 81.0 - 1.0;
                assert!((x - 2.0 * (0.01 * band - 0.4)).abs() < 1e-6, "{hz} Hz: {x}");
            } else if 8_000.0 < hz {
                assert_eq!(x, found[BANDS - 1], "{hz} Hz");
            }
        }
        assert!(found[BANDS - 1] < 2.0 * 0.4 && 0.6 < found[BANDS - 1]);
        // What lies above a narrow band says nothing.
        let mut broken = slope;
        broken[70..].fill(50.0);
        let narrow = points(&broken, 5_000.0);
        assert!(narrow.iter().all(|x| x.abs() < 0.8), "{narrow:?}");
        assert!(
            points(&[50.0; MELS], 24_000.0)
                .iter()
                .all(|x| *x == MOST_NATS)
        );
    }

    #[test]
    fn clips_are_taken_from_all_over() {
        let clip = |n: usize| Clip {
            f0_hz: vec![n as f32; 1_000],
            ..Clip::default()
        };
        let clips: Vec<Clip> = (0..30).map(clip).collect();
        let taken: Vec<f32> = some(&clips).iter().map(|clip| clip.f0_hz[0]).collect();
        assert_eq!(taken, [0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 28.0]);
        assert_eq!(some(&clips[..9]).len(), 9);
        assert!(some(&[]).is_empty());
    }
}
