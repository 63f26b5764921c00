//! What a driver made of PTX, kept from one start of the program to the next: compiling takes it seconds.
//! Where that is kept is the program's business.

use super::kernel::Module;

/// What a driver compiles, and for what. Of anything else it makes another image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build<'a> {
    /// What the kernels lie in.
    pub module: Module,
    /// What is compiled.
    pub ptx: &'a str,
    /// The compute capability of the card.
    pub compute: (u32, u32),
    /// The version of CUDA that the driver serves.
    pub driver: (u32, u32),
}

/// Where images are kept. Whoever loads kernels waits for it.
pub trait Builds: std::fmt::Debug + Send + Sync {
    /// The image that was kept of this, byte for byte; none if there is none, or it is damaged.
    fn find(&self, build: &Build<'_>) -> Option<Vec<u8>>;

    /// Keeps an image, if that can be.
    fn keep(&self, build: &Build<'_>, image: &[u8]);
}

/// Loads an image that was kept, or links one, loads and keeps it. None where neither works: the PTX itself
/// is for the driver then.
pub fn load_built<T, E>(
    builds: &dyn Builds,
    build: &Build<'_>,
    link: impl FnOnce() -> Result<Vec<u8>, E>,
    load: impl Fn(&[u8]) -> Result<T, E>,
) -> Option<T> {
    let kept = builds.find(build);
    if let Some(loaded) = kept.and_then(|image| load(&image).ok()) {
        return Some(loaded);
    }
    let image = link().ok()?;
    let loaded = load(&image).ok()?;
    builds.keep(build, &image);
    Some(loaded)
}
