//! The user's folder in which the tests in hosts find voices. It tests nothing: `cargo xtask
//! fixtures` runs it, and the plugin in those hosts reads what it wrote.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;
mod ddsp_voices;
mod rvc_nets;
mod singers;
mod tones;
mod voice_files;

use std::path::PathBuf;

#[test]
#[ignore = "writes files for the tests in hosts: cargo xtask fixtures"]
fn a_home_for_the_tests_in_hosts() {
    let home = std::env::var_os("AUTOVOICE_FIXTURES").expect("a folder in AUTOVOICE_FIXTURES");
    let home = PathBuf::from(home);
    singers::furnish(&home);
    singers::import(&home, "Brittle", &singers::brittle());
    ddsp_voices::furnish(&home, "Olga");
}
