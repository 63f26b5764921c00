//! The window on the screen: baseview's events in, egui's shapes out. Ours rather than a crate's,
//! because files that are dragged onto it must arrive. GUI thread, which under X11 is one of the
//! window's own; it knows nothing of what it shows.

mod gl;
mod handler;
mod hosted;
mod input;

use baseview::dpi::Size;
use baseview::gl::GlConfig;
use baseview::host::Host;
pub use baseview::{Error, Window, WindowContext, WindowSize};
use egui::{Color32, Context, Ui, Vec2};
use handler::Handler;
pub use hosted::{HostedContents, HostedWindow};
use keyboard_types::Key;

/// What a window shows.
pub trait Contents: Send + 'static {
    /// The factor from the system's points to those of the contents.
    fn zoom(&self) -> f32;

    /// What is behind everything.
    fn background(&self) -> Color32;

    /// Prepares for a window that was opened.
    fn open(&mut self, ctx: &Context);

    /// Draws one frame.
    fn draw(&mut self, ui: &mut Ui, window: &WindowContext);

    /// Takes in the window's new size, in points and as the system has it.
    fn resized(&mut self, points: Vec2, size: WindowSize);

    /// Whether this key is not for the host, while something in the window has the focus.
    fn takes(&self, ctx: &Context, key: &Key) -> bool {
        let _ = (ctx, key);
        true
    }
}

/// How a window is opened.
pub struct Settings {
    /// What baseview asks for.
    pub window: baseview::WindowSettings,
    /// Who is asked for another size and told of the end.
    pub host: Option<Host>,
}

impl Settings {
    /// A window of this size with the program's name.
    #[must_use]
    pub fn of_size(size: impl Into<Size>) -> Self {
        let window = baseview::WindowSettings::new()
            .with_title("AutoVoice")
            .with_size(size)
            .with_gl_config(GlConfig::default());
        Self { window, host: None }
    }
}

/// Makes a window, which is not shown yet.
///
/// # Errors
/// When there is no display or no OpenGL.
pub fn create<C: Contents>(settings: Settings, contents: C) -> Result<Window, Error> {
    let build = |window| Handler::new(window, contents);
    Window::create_with_host(settings.window, build, settings.host)
}
