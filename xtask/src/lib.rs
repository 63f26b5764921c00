//! What the chores and the host tests share: a CLAP host, a display, measurements,
//! paths. Development only;
//! nothing here ships in the plugin.

pub mod clap_host;
pub mod desktop;
pub mod display;
pub mod measure;
pub mod paths;
pub mod wav;
