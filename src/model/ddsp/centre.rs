//! What is said, without who says it: the mean of a speaker's content is the speaker's, not that of
//! what is said, and is taken out (as in Chou & Lee, "One-shot voice conversion by separately
//! representing speaker and content representations with instance normalization", 2019, but as the
//! sound comes in). Any thread; real-time safe after construction.

/// Frames that count as heard before the first, with a mean of nothing.
const AT_FIRST: f32 = 60.0;
/// Frames that the mean is of, at most: older ones fade.
const MOST: f32 = 400.0;
/// A frame is taken into the mean if it differs from the last that was by so much, as a mean square
/// over values: a note that is held for seconds says one thing, not hundreds.
const NEW: f32 = 0.5;

/// The running mean of a stream's content.
#[derive(Clone, Debug)]
pub struct Centre {
    mean: Vec<f32>,
    last: Vec<f32>,
    frames: f32,
}

impl Centre {
    /// Of frames of so many values. Allocates.
    #[must_use]
    pub fn new(content: usize) -> Self {
        Self {
            mean: vec![0.0; content],
            last: vec![f32::INFINITY; content],
            frames: AT_FIRST,
        }
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.mean.fill(0.0);
        self.last.fill(f32::INFINITY);
        self.frames = AT_FIRST;
    }

    /// The next frame, less the mean up to it. Where there is no pitch the mean stays. Real-time
    /// safe.
    pub fn step(&mut self, voiced: bool, content: &mut [f32]) {
        if voiced && self.is_new(content) {
            self.frames = (self.frames + 1.0).min(MOST);
            let share = 1.0 / self.frames;
            for (mean, x) in self.mean.iter_mut().zip(content.iter()) {
                *mean += share * (x - *mean);
            }
            self.last.copy_from_slice(content);
        }
        content
            .iter_mut()
            .zip(&self.mean)
            .for_each(|(x, mean)| *x -= mean);
    }

    fn is_new(&self, content: &[f32]) -> bool {
        let square = |(a, b): (&f32, &f32)| (a - b).powi(2);
        let far: f32 = self.last.iter().zip(content).map(square).sum();
        // Nothing is like the infinite values before the first frame.
        NEW * content.len() as f32 <= far
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two values that say one thing and another in turn, and who says it.
    fn says(n: usize, who: f32) -> [f32; 2] {
        let what = if n.is_multiple_of(2) { 1.0 } else { -1.0 };
        [what + who, 0.5 * what - who]
    }

    #[test]
    fn who_says_it_is_taken_out() {
        let mut centre = Centre::new(2);
        let mut last = [0.0; 2];
        for n in 0..2_000 {
            last = says(n, 3.0);
            centre.step(true, &mut last);
        }
        let wanted = says(1_999, 0.0);
        assert!((last[0] - wanted[0]).abs() < 0.02 && (last[1] - wanted[1]).abs() < 0.02);
        // Half of it after as many frames as there were at first.
        centre.reset();
        for n in 0..60 {
            last = says(n, 3.0);
            centre.step(true, &mut last);
        }
        assert!(
            (last[0] - (says(59, 0.0)[0] + 1.5)).abs() < 0.05,
            "{last:?}"
        );
    }

    #[test]
    fn what_is_held_or_not_sung_changes_nothing() {
        let mut centre = Centre::new(2);
        for n in 0..400 {
            centre.step(true, &mut says(n, 1.0));
        }
        let before = centre.mean.clone();
        for n in 0..1_000 {
            // Nearly the same for ten seconds, and then something that is no voice.
            centre.step(true, &mut [1.9, 0.1 + 0.3 * (n % 2) as f32]);
        }
        let held = centre.mean.clone();
        for n in 0..1_000 {
            centre.step(false, &mut says(n, 90.0));
        }
        assert_eq!(held, centre.mean);
        for (before, held) in before.iter().zip(&held) {
            assert!((before - held).abs() < 0.01, "{before} {held}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_kept() {
        let mut centre = Centre::new(2);
        centre.step(true, &mut [f32::NAN, 1.0]);
        let mut next = [1.0, 1.0];
        centre.step(true, &mut next);
        assert!(next.iter().all(|x| x.is_finite()));
    }
}
