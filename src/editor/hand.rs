//! The one way from the window to the parameters: through the host's setter, between a begin and
//! an end, so that hosts record it, and into the history, so that it can be undone. GUI thread.

use super::history::{Change, History};
use crate::plugin::AutoVoiceParams;
use crate::plugin::params::ParamRef;
use nice_plug::context::gui::ParamSetter;
use nice_plug::params::Param;
use std::cell::RefCell;

/// What moves parameters.
pub struct Hand<'a> {
    setter: ParamSetter<'a>,
    params: &'a AutoVoiceParams,
    memory: &'a RefCell<Memory>,
    now_s: f64,
}

/// What a hand remembers from frame to frame.
#[derive(Debug, Default)]
pub struct Memory {
    /// Steps to undo in what is heard.
    history: History,
    /// Steps to undo in what it is compared with.
    other_history: History,
    /// The gesture under way.
    held: Option<Held>,
}

/// A gesture under way: its label, where it has one of its own, and what it moves.
#[derive(Debug)]
struct Held {
    label: Option<&'static str>,
    changes: Vec<Change>,
}

impl<'a> Hand<'a> {
    /// A hand for one frame at this time.
    pub fn new(
        setter: ParamSetter<'a>,
        params: &'a AutoVoiceParams,
        memory: &'a RefCell<Memory>,
        now_s: f64,
    ) -> Self {
        Self {
            setter,
            params,
            memory,
            now_s,
        }
    }

    /// Starts a gesture.
    pub fn begin<P: Param>(&self, param: &P) {
        self.finish_held();
        self.hold(None, self.change_of(param).into_iter().collect());
        self.setter.begin_set_parameter(param);
    }

    /// Starts a gesture of two parameters that are moved together: one step with this label.
    pub fn begin_both<P: Param>(&self, label: &'static str, one: &P, other: &P) {
        self.finish_held();
        let changes = [one, other].map(|param| self.change_of(param));
        self.hold(Some(label), changes.into_iter().flatten().collect());
        self.setter.begin_set_parameter(one);
        self.setter.begin_set_parameter(other);
    }

    fn hold(&self, label: Option<&'static str>, changes: Vec<Change>) {
        self.memory.borrow_mut().held = Some(Held { label, changes });
    }

    /// A parameter that is not moved yet.
    fn change_of<P: Param>(&self, param: &P) -> Option<Change> {
        let before = param.unmodulated_normalized_value();
        Some(Change {
            id: self.id_of(param)?,
            before,
            after: before,
        })
    }

    /// Moves the parameter within a gesture.
    pub fn set<P: Param>(&self, param: &P, value: P::Plain) {
        // The host may take the value later: what was asked for is remembered, not what is there.
        let normalized = param.preview_normalized(value);
        let id = self.id_of(param);
        if let Some(held) = &mut self.memory.borrow_mut().held {
            let mut changes = held.changes.iter_mut();
            if let Some(change) = changes.find(|change| Some(change.id) == id) {
                change.after = normalized;
            }
        }
        self.setter.set_parameter_normalized(param, normalized);
    }

    /// Ends a gesture.
    pub fn end<P: Param>(&self, param: &P) {
        self.setter.end_set_parameter(param);
        self.finish_held();
    }

    /// Ends a gesture of two parameters.
    pub fn end_both<P: Param>(&self, one: &P, other: &P) {
        self.setter.end_set_parameter(one);
        self.setter.end_set_parameter(other);
        self.finish_held();
    }

    /// Sets a parameter in one gesture.
    pub fn set_once<P: Param>(&self, param: &P, value: P::Plain) {
        self.begin(param);
        self.set(param, value);
        self.end(param);
    }

    /// Sets several parameters, by id, to normalized values, as one step with this label.
    pub fn apply(&self, label: &str, values: &[(&'static str, f32)]) {
        self.finish_held();
        let changes = self.put_all(values);
        let history = &mut self.memory.borrow_mut().history;
        history.done(label, changes, self.now_s);
    }

    /// Undoes the newest step.
    pub fn undo(&self) {
        self.finish_held();
        let values = self.memory.borrow_mut().history.undo();
        self.put_all(&values);
    }

    /// Does the step last undone again.
    pub fn redo(&self) {
        self.finish_held();
        let values = self.memory.borrow_mut().history.redo();
        self.put_all(&values);
    }

    /// What would be undone and done again.
    pub fn labels(&self) -> (Option<String>, Option<String>) {
        let history = &self.memory.borrow().history;
        let label = |step: Option<&super::history::Step>| step.map(|step| step.label.clone());
        (label(history.undoable()), label(history.redoable()))
    }

    /// Goes to the other of two sounds that are compared: it has these values and its own steps.
    pub fn go_to_other(&self, values: &[(&'static str, f32)]) {
        self.finish_held();
        self.put_all(values);
        let memory = &mut *self.memory.borrow_mut();
        std::mem::swap(&mut memory.history, &mut memory.other_history);
    }

    /// The other of two sounds is now as this one, and came about in the same steps.
    pub fn made_other_alike(&self) {
        self.finish_held();
        let memory = &mut *self.memory.borrow_mut();
        memory.other_history = memory.history.clone();
    }

    fn put_all(&self, values: &[(&'static str, f32)]) -> Vec<Change> {
        let mut changes = Vec::new();
        for (id, param) in self.params.all() {
            let Some((_, value)) = values.iter().find(|(wanted, _)| *wanted == id) else {
                continue;
            };
            let before = match param {
                ParamRef::Float(param) => self.put(param, *value),
                ParamRef::Int(param) => self.put(param, *value),
                ParamRef::Bool(param) => self.put(param, *value),
            };
            changes.push(Change {
                id,
                before,
                after: *value,
            });
        }
        changes
    }

    /// Sets one parameter if it is not there yet; where it was.
    fn put<P: Param>(&self, param: &P, normalized: f32) -> f32 {
        let before = param.unmodulated_normalized_value();
        if before != normalized {
            self.setter.begin_set_parameter(param);
            self.setter.set_parameter_normalized(param, normalized);
            self.setter.end_set_parameter(param);
        }
        before
    }

    fn finish_held(&self) {
        let mut memory = self.memory.borrow_mut();
        if let Some(Held { label, changes }) = memory.held.take() {
            let named = || changes.first().map(|change| self.name_of(change.id));
            let label = label.map(str::to_owned).or_else(named).unwrap_or_default();
            memory.history.done(&label, changes, self.now_s);
        }
    }

    /// The id of a parameter; none for one that is not ours.
    pub fn id_of<P: Param>(&self, param: &P) -> Option<&'static str> {
        let wanted = param.as_ptr();
        let mut all = self.params.all().into_iter();
        all.find_map(|(id, param)| (param.pointer() == wanted).then_some(id))
    }

    fn name_of(&self, id: &str) -> String {
        let mut all = self.params.all().into_iter();
        let found = all.find(|(known, _)| *known == id);
        found.map_or_else(String::new, |(_, param)| param.name().to_owned())
    }
}
