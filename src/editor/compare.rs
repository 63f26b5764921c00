//! Two settings to switch between: A and B. GUI thread.

use super::hand::Hand;
use crate::plugin::AutoVoiceParams;

/// Not compared: bypass is for comparing with the dry voice, and a change of the others restarts
/// the plugin, which nobody wants between two sounds.
const LEFT_ALONE: [&str; 6] = [
    "bypass",
    "range",
    "report_latency",
    "tracker",
    "quality",
    "threads",
];

/// Normalized values by id.
type Sound = Vec<(&'static str, f32)>;

/// Which of the two is heard, and what the other one is.
#[derive(Debug, Default)]
pub struct Compare {
    is_b: bool,
    other: Option<Sound>,
}

impl Compare {
    /// Whether B is heard.
    #[must_use]
    pub fn is_b(&self) -> bool {
        self.is_b
    }

    /// Goes to the other one; the first time it is the same.
    pub fn switch(&mut self, params: &AutoVoiceParams, hand: &Hand<'_>) {
        self.is_b = !self.is_b;
        match self.other.replace(sound(params)) {
            Some(other) => hand.go_to_other(&other),
            None => hand.made_other_alike(),
        }
    }

    /// Makes the other one like what is heard.
    pub fn copy(&mut self, params: &AutoVoiceParams, hand: &Hand<'_>) {
        self.other = Some(sound(params));
        hand.made_other_alike();
    }
}

fn sound(params: &AutoVoiceParams) -> Sound {
    let all = params.all().into_iter();
    all.filter(|(id, _)| !LEFT_ALONE.contains(id))
        .map(|(id, param)| (id, param.normalized()))
        .collect()
}
