//! Links the plugin so that no host can unload it. Runs at build time; reads nothing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A thread that has run plugin code keeps destructors of its thread-local data in the library.
    // A host that unloads the library with its last instance crashes when such a thread ends,
    // which audio threads do at any later time. Linux lets a library say that it stays.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
