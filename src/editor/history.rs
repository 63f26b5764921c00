//! What the hand did in the editor, to be undone and done again. A gesture is one step, however
//! long the drag; a preset is one step, however many parameters it sets. What the host moves by
//! itself is no step. GUI thread.

/// Steps kept.
const MOST: usize = 200;
/// Gestures of one parameter that follow each other faster than this many seconds are one step:
/// the notches of a wheel, the repeats of a key.
const TOGETHER_S: f64 = 0.8;

/// One parameter moved, in normalized values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Id of the parameter.
    pub id: &'static str,
    /// Where it was.
    pub before: f32,
    /// Where it went.
    pub after: f32,
}

/// What is undone at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it was, in a word for the musician.
    pub label: String,
    changes: Vec<Change>,
    at_s: f64,
}

/// Steps done, and steps undone.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Step>,
    future: Vec<Step>,
}

impl History {
    /// Takes in what was just done at this time; what had been undone is forgotten. Changes that
    /// change nothing are no step.
    pub fn done(&mut self, label: &str, mut changes: Vec<Change>, at_s: f64) {
        changes.retain(|change| change.before != change.after);
        let [first, ..] = changes[..] else { return };
        self.future.clear();
        if let (1, Some(last)) = (changes.len(), self.past.last_mut())
            && let [previous] = &mut last.changes[..]
            && previous.id == first.id
            && at_s - last.at_s < TOGETHER_S
        {
            previous.after = first.after;
            last.at_s = at_s;
            return;
        }
        if self.past.len() == MOST {
            self.past.remove(0);
        }
        self.past.push(Step {
            label: label.to_owned(),
            changes,
            at_s,
        });
    }

    /// The step that would be undone.
    #[must_use]
    pub fn undoable(&self) -> Option<&Step> {
        self.past.last()
    }

    /// The step that would be done again.
    #[must_use]
    pub fn redoable(&self) -> Option<&Step> {
        self.future.last()
    }

    /// Takes the newest step back; where each parameter has to go, nothing if there is none.
    pub fn undo(&mut self) -> Vec<(&'static str, f32)> {
        let Some(mut step) = self.past.pop() else {
            return Vec::new();
        };
        // What follows is a new gesture, however soon.
        step.at_s = f64::NEG_INFINITY;
        let values = step.changes.iter().map(|c| (c.id, c.before)).collect();
        self.future.push(step);
        values
    }

    /// Does the step last undone again; where each parameter has to go, nothing if there is none.
    pub fn redo(&mut self) -> Vec<(&'static str, f32)> {
        let Some(step) = self.future.pop() else {
            return Vec::new();
        };
        let values = step.changes.iter().map(|c| (c.id, c.after)).collect();
        self.past.push(step);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: &'static str, before: f32, after: f32) -> Vec<Change> {
        vec![Change { id, before, after }]
    }

    #[test]
    fn steps_go_back_and_forth() {
        let mut history = History::default();
        history.done("Pitch", change("pitch", 0.5, 0.7), 0.0);
        history.done("Mix", change("mix", 1.0, 0.5), 2.0);
        assert_eq!(history.undo(), [("mix", 1.0)]);
        assert_eq!(history.undo(), [("pitch", 0.5)]);
        assert_eq!(history.undo(), []);
        assert_eq!(history.redo(), [("pitch", 0.7)]);
        assert_eq!(
            history.redoable().map(|step| step.label.as_str()),
            Some("Mix")
        );
        history.done("Gate", change("gate_db", 0.0, 0.1), 3.0);
        assert_eq!(history.redo(), [], "a new step ends what was undone");
    }

    #[test]
    fn quick_gestures_of_one_parameter_are_one_step() {
        let mut history = History::default();
        for (at_s, before, after) in [(0.0, 0.1, 0.2), (0.5, 0.2, 0.3), (1.2, 0.3, 0.4)] {
            history.done("Mix", change("mix", before, after), at_s);
        }
        history.done("Mix", change("mix", 0.4, 0.9), 5.0);
        history.done("Mix", change("mix", 0.9, 0.9), 5.1);
        assert_eq!(history.undo(), [("mix", 0.4)]);
        history.done("Mix", change("mix", 0.4, 0.6), 5.2);
        assert_eq!(
            history.undo(),
            [("mix", 0.4)],
            "what follows an undo is new"
        );
        assert_eq!(history.undo(), [("mix", 0.1)]);
    }

    #[test]
    fn the_oldest_steps_are_forgotten() {
        let mut history = History::default();
        for n in 0..MOST + 7 {
            history.done("Mix", change("mix", n as f32, n as f32 + 1.0), n as f64);
        }
        let undone = std::iter::from_fn(|| history.undo().first().copied());
        assert_eq!(undone.count(), MOST);
    }
}
