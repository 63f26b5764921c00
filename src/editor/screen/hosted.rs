//! The window in a host: the framework's [`Editor`] over a window of ours. Called on the host's
//! main thread; the contents are drawn on the window's.

use super::{Contents, Settings, Window, WindowContext, WindowSize};
use baseview::HandlerError;
use baseview::host::{Host, HostCallbacks, HostMainThreadCaller};
use egui::{Color32, Context, Ui, Vec2};
use keyboard_types::Key;
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize, PhysicalSize, Size};
use nice_plug::editor::{
    Editor, EditorHandle, HostMethods, ParentWindowHandle, ResizeHint, SpawnedEditor,
};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Contents that a host opens and closes.
pub trait HostedContents: Contents {
    /// Takes in the host of the window that is about to open.
    fn meet(&mut self, host: GuiContext);
}

/// The window of a plugin.
pub struct HostedWindow<C> {
    shared: Arc<Shared<C>>,
    /// Smallest and largest size in points.
    sizes: [LogicalSize<f32>; 2],
}

/// What windows leave for the next one.
struct Shared<C> {
    contents: Mutex<C>,
    /// In pixels, and how many of them the system has a point.
    size: Mutex<(PhysicalSize<u32>, f64)>,
}

/// Contents that stay when the window goes.
struct Lent<C>(Arc<Shared<C>>);

impl<C> Shared<C> {
    /// Nothing is left half done by a panic: contents switch themselves off.
    fn contents(&self) -> MutexGuard<'_, C> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn size(&self) -> MutexGuard<'_, (PhysicalSize<u32>, f64)> {
        self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Contents> Contents for Lent<C> {
    fn zoom(&self) -> f32 {
        self.0.contents().zoom()
    }

    fn background(&self) -> Color32 {
        self.0.contents().background()
    }

    fn open(&mut self, ctx: &Context) {
        self.0.contents().open(ctx);
    }

    fn draw(&mut self, ui: &mut Ui, window: &WindowContext) {
        self.0.contents().draw(ui, window);
    }

    fn resized(&mut self, points: Vec2, size: WindowSize) {
        *self.0.size() = (size.physical, size.scale_factor);
        self.0.contents().resized(points, size);
    }

    fn takes(&self, ctx: &Context, key: &Key) -> bool {
        self.0.contents().takes(ctx, key)
    }
}

impl<C> HostedWindow<C> {
    /// These contents, closed: their size in pixels, and the smallest and largest in points.
    #[must_use]
    pub fn new(contents: C, pixels: PhysicalSize<u32>, sizes: [LogicalSize<f32>; 2]) -> Self {
        let shared = Shared {
            contents: Mutex::new(contents),
            // What a point is the system tells a window that is open.
            size: Mutex::new((pixels, 1.0)),
        };
        Self {
            shared: Arc::new(shared),
            sizes,
        }
    }
}

impl<C: HostedContents> Editor for HostedWindow<C> {
    type Handle = Handle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Handle>, Box<dyn Error>> {
        let (pixels, _) = *self.shared.size();
        let mut settings = Settings::of_size(pixels);
        settings.window = settings
            .window
            .with_parent(parent.as_ref())
            .with_wait_for_parent(wait_for_parent)
            .with_fallback_scale_factor(fallback_scale_factor)
            .with_min_size(self.sizes[0])
            .with_max_size(self.sizes[1]);
        settings.host = host.map(
            |HostMethods {
                 callbacks,
                 main_thread_caller,
             }| {
                Host::new()
                    .with_callbacks(Callbacks(callbacks))
                    .with_main_thread(Caller(main_thread_caller))
            },
        );
        self.shared.contents().meet(gui_context);
        Ok(SpawnedEditor {
            window: super::create(settings, Lent(Arc::clone(&self.shared)))?,
            handle: Handle(self.resize_hint()),
        })
    }

    fn size(&self) -> NativeSize<u32> {
        let (pixels, scale) = *self.shared.size();
        NativeSize::from_size(pixels.into(), scale)
    }

    fn resize_hint(&self) -> ResizeHint {
        let [least, most] = self.sizes.map(Some);
        ResizeHint::RESIZABLE.with_min_max_logical_size(least, most)
    }
}

/// A window that is open in a host.
pub struct Handle(ResizeHint);

impl EditorHandle for Handle {
    type Window = Window;
    type Error = baseview::Error;

    fn run_until_closed(window: Window) -> Result<(), Self::Error> {
        window.run_until_closed()
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &Window) -> Result<(), Self::Error> {
        window.set_parent(&parent)
    }

    fn show(&self, window: &Window) -> Result<(), Self::Error> {
        window.show()?;
        // Frames end while it is hidden, and nothing else begins them again.
        window.waker().request_redraw();
        Ok(())
    }

    fn hide(&self, window: &Window) -> Result<(), Self::Error> {
        window.hide()
    }

    fn set_size(&self, size: NativeSize<u32>, window: &Window) -> Result<(), Self::Error> {
        window.resize(size)
    }

    fn host_main_thread_callback(&self, window: &Window) {
        window.host_main_thread_callback();
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &Window) -> Option<NativeSize<u32>> {
        let now = window.size();
        let is = NativeSize::from_logical_or_physical(now.logical, now.physical);
        Some(self.0.adjust_size(size, is, now.scale_factor))
    }

    fn set_fallback_scale_factor(&self, scale: f64, window: &Window) -> Result<(), Self::Error> {
        window.suggest_fallback_scale_factor(scale)
    }

    // The window is drawn all the time while it is open.
    fn param_value_changed(&self, _id: &str, _normalized_value: f32) {}

    fn param_modulation_changed(&self, _id: &str, _modulation_offset: f32) {}
}

/// The framework's calls to the host, as baseview makes them.
struct Callbacks(Box<dyn nice_plug::editor::HostCallbacks>);

impl HostCallbacks for Callbacks {
    fn request_resize(&mut self, size: WindowSize) -> Result<(), HandlerError> {
        self.0
            .request_resize(Size::Physical(size.physical), size.scale_factor)
            .map_err(HandlerError::from_boxed)
    }

    fn destroyed(&mut self) {
        self.0.destroyed();
    }
}

struct Caller(Box<dyn nice_plug::editor::HostMainThreadCaller>);

impl HostMainThreadCaller for Caller {
    fn call_main_thread(&mut self) {
        self.0.call_main_thread();
    }
}
