//! Measuring how good things are: pure functions from signals and results to figures. Any thread;
//! nothing here is heard.

pub mod likeness;
pub mod pitch;
pub mod seeded;
pub mod voices;
