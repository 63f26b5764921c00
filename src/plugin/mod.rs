//! The plugin: host buffers, parameters and state on one side, the bridge on the other. Main
//! thread unless a file says otherwise. Holds no signal processing: what is heard is decided in
//! [`crate::bridge`], what is shown in [`crate::editor`].

pub(crate) mod audio;
mod export;
mod feed;
mod hosting;
pub mod params;
pub mod presets;
mod remote;
pub mod state;
pub mod text;
pub mod voices;

pub use feed::Feed;
pub use hosting::AutoVoicePlugin;
pub use params::AutoVoiceParams;
