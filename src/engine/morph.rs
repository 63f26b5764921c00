//! The morph pad: a point between voices at its corners, and what share each voice has there.
//! Numbers only; real-time safe.

/// Corners of the pad, one for each slot of voices.
pub const CORNERS: usize = 4;

/// A voice with a smaller share is not heard: at a corner its voice is alone.
const LEAST: f32 = 1e-4;
/// How near a corner the point comes: at the very edge there would be no telling how those beside
/// it relate where its own corners are empty.
const NEAREST: f32 = 1.0 / 65_536.0;

/// What a musician sets of the pad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Morph {
    /// Whether a voice at a corner becomes what is at the point.
    pub on: bool,
    /// The point from left to right, 0..=1.
    pub x: f32,
    /// The point from below to above, 0..=1.
    pub y: f32,
}

impl Morph {
    /// Off, in the middle.
    pub const DEFAULT: Self = Self {
        on: false,
        x: 0.5,
        y: 0.5,
    };

    /// Where the corners are, as `x` and `y`: above from left to right, then below.
    pub const PLACES: [(f32, f32); CORNERS] = [(0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0)];

    /// The share of each corner at the point, bilinear; corners without a voice are left out, and
    /// what is theirs goes to the others in proportion. The sum is 1 where there is a voice, else 0.
    #[must_use]
    pub fn shares(&self, has_voice: [bool; CORNERS]) -> [f32; CORNERS] {
        let along = |at: f32, end: f32| match end {
            0.0 => 1.0 - at,
            _ => at,
        };
        let inside = |at: f32| at.clamp(NEAREST, 1.0 - NEAREST);
        let (x, y) = (inside(self.x), inside(self.y));
        let mut shares = Self::PLACES.map(|(right, above)| along(x, right) * along(y, above));
        for (share, has_voice) in shares.iter_mut().zip(has_voice) {
            if !has_voice {
                *share = 0.0;
            }
        }
        even_out(&mut shares);
        for share in &mut shares {
            if *share < LEAST {
                *share = 0.0;
            }
        }
        even_out(&mut shares);
        shares
    }
}

impl Default for Morph {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Makes the sum 1, unless it is 0.
fn even_out(shares: &mut [f32; CORNERS]) {
    let sum: f32 = shares.iter().sum();
    if 0.0 < sum {
        shares.iter_mut().for_each(|share| *share /= sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_point_and_the_voices_there_are() {
        let all = [true; CORNERS];
        let [no, yes] = [false, true];
        for (x, y, has_voice, expected) in [
            (0.0, 1.0, all, [1.0, 0.0, 0.0, 0.0]),
            (1.0, 1.0, all, [0.0, 1.0, 0.0, 0.0]),
            (0.0, 0.0, all, [0.0, 0.0, 1.0, 0.0]),
            (1.0, 0.0, all, [0.0, 0.0, 0.0, 1.0]),
            (0.5, 0.5, all, [0.25; CORNERS]),
            (0.25, 1.0, all, [0.75, 0.25, 0.0, 0.0]),
            (0.25, 0.5, all, [0.375, 0.125, 0.375, 0.125]),
            // Of two the point tells, even where both are far.
            (0.25, 0.5, [yes, yes, no, no], [0.75, 0.25, 0.0, 0.0]),
            (0.25, 0.0, [yes, yes, no, no], [0.75, 0.25, 0.0, 0.0]),
            (0.5, 0.5, [yes, no, no, yes], [0.5, 0.0, 0.0, 0.5]),
            (1.0, 1.0, [yes, no, no, yes], [0.5, 0.0, 0.0, 0.5]),
            (
                0.5,
                0.5,
                [yes, yes, yes, no],
                [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0],
            ),
            (1.0, 0.0, [yes, yes, yes, no], [0.0, 0.5, 0.5, 0.0]),
            (0.9, 0.1, [no, no, yes, no], [0.0, 0.0, 1.0, 0.0]),
            (0.5, 0.5, [no; CORNERS], [0.0; CORNERS]),
            // What hosts should not send.
            (7.0, -3.0, all, [0.0, 0.0, 0.0, 1.0]),
        ] {
            let morph = Morph { on: true, x, y };
            let shares = morph.shares(has_voice);
            for (got, want) in shares.iter().zip(expected) {
                let error = (got - want).abs();
                assert!(error < 1e-3, "{x} {y} {has_voice:?}: {shares:?}");
                // At a corner a voice is alone, not nearly alone.
                assert!(
                    error == 0.0 || want != 1.0 && want != 0.0,
                    "{x} {y}: {shares:?}"
                );
            }
            let sum: f32 = shares.iter().sum();
            assert!((sum - expected.iter().sum::<f32>()).abs() < 1e-6);
        }
    }
}
