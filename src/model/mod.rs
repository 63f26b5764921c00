//! Networks: what they compute, not where their weights come from. Any thread; no files, no
//! threads of their own.

pub mod pitch;
