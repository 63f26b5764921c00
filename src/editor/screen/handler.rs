//! What baseview calls: events are kept until a frame is drawn, and a frame is drawn when egui
//! asks for one. Window's thread. Whatever the window is asked to do may call back in here, so
//! nothing of the handler is borrowed meanwhile.

use super::Contents;
use super::gl::{Canvas, Picture};
use super::input::{self, Input};
use baseview::dpi::LogicalSize;
use baseview::{
    Event, EventStatus, HandlerError, MouseCursor, MouseEvent, WindowContext, WindowHandler,
    WindowSize,
};
use copypasta::{ClipboardContext, ClipboardProvider as _};
use egui::{Context, FullOutput, OutputCommand, Pos2, Rect, Vec2, ViewportCommand, ViewportId};
use keyboard_types::KeyboardEvent;
use std::cell::{Cell, RefCell};
use std::time::Instant;

/// One window with its contents.
pub struct Handler<C> {
    window: WindowContext,
    ctx: Context,
    contents: RefCell<C>,
    canvas: RefCell<Canvas>,
    input: RefCell<Input>,
    /// None where the system has none.
    clipboard: RefCell<Option<ClipboardContext>>,
    opened: Instant,
    zoom: Cell<f32>,
    cursor: Cell<MouseCursor>,
}

impl<C: Contents> Handler<C> {
    /// The handler of a new window.
    ///
    /// # Errors
    /// When there is no OpenGL.
    pub fn new(window: WindowContext, mut contents: C) -> Result<Self, HandlerError> {
        let canvas = Canvas::new(&window)?;
        let ctx = Context::default();
        let waker = window.waker();
        ctx.set_request_repaint_callback(move |asked| waker.request_redraw_after(asked.delay));
        let zoom = contents.zoom();
        ctx.set_zoom_factor(zoom);
        contents.open(&ctx);
        Ok(Self {
            input: Input::new(canvas.most_texture_side()).into(),
            clipboard: ClipboardContext::new().ok().into(),
            contents: contents.into(),
            canvas: canvas.into(),
            opened: Instant::now(),
            zoom: zoom.into(),
            cursor: MouseCursor::default().into(),
            window,
            ctx,
        })
    }

    /// The window's size in points.
    fn points(&self, size: WindowSize) -> Vec2 {
        let scale = size.scale_factor * f64::from(self.zoom.get());
        let points = size.physical.to_logical::<f32>(scale);
        Vec2::new(points.width, points.height)
    }

    fn run(&self) -> FullOutput {
        let size = self.window.size();
        let window = Rect::from_min_size(Pos2::ZERO, self.points(size));
        let time_s = self.opened.elapsed().as_secs_f64();
        let scale = size.scale_factor as f32;
        let input = self.input.borrow_mut().take(time_s, window, scale);
        let mut contents = self.contents.borrow_mut();
        self.ctx.run_ui(input, |ui| contents.draw(ui, &self.window))
    }

    /// Does what the contents ask of their window.
    fn obey(&self, output: &FullOutput) -> Result<(), HandlerError> {
        let old = self.points(self.window.size());
        // In force since this frame.
        let zoom = self.ctx.zoom_factor();
        let mut wanted = (self.zoom.replace(zoom) != zoom).then_some(old);
        let viewport = output.viewport_output.get(&ViewportId::ROOT);
        for command in viewport.iter().flat_map(|viewport| &viewport.commands) {
            match command {
                ViewportCommand::InnerSize(size) => wanted = Some(*size),
                ViewportCommand::Close => self.window.request_close(),
                ViewportCommand::Focus => self.window.focus()?,
                _ => {}
            }
        }
        if let Some(points) = wanted {
            let size = (points * zoom).round();
            // A host may refuse; the window then stays as it is.
            let _ = self
                .window
                .resize(LogicalSize::new(f64::from(size.x), f64::from(size.y)));
        }
        let cursor = input::cursor(output.platform_output.cursor_icon);
        if self.cursor.replace(cursor) != cursor {
            self.window.set_mouse_cursor(cursor)?;
        }
        Ok(())
    }

    fn paint(&self, output: FullOutput) -> Result<(), HandlerError> {
        let FullOutput {
            shapes,
            mut textures_delta,
            ..
        } = output;
        let size = self.window.size();
        let pixels_per_point = size.scale_factor as f32 * self.ctx.zoom_factor();
        self.canvas.borrow_mut().paint(Picture {
            size: [size.physical.width, size.physical.height],
            pixels_per_point,
            background: self.contents.borrow().background(),
            shapes: &self.ctx.tessellate(shapes, pixels_per_point),
            textures: &mut textures_delta,
        })
    }

    fn copy(&self, text: String) {
        if let Some(clipboard) = self.clipboard.borrow_mut().as_mut() {
            // What could not be copied is missing where it is pasted.
            let _ = clipboard.set_contents(text);
        }
    }

    fn pasted(&self) -> Option<String> {
        let mut clipboard = self.clipboard.borrow_mut();
        clipboard.as_mut()?.get_contents().ok()
    }

    fn mouse(&self, event: MouseEvent) -> EventStatus {
        // A window inside a host's does not get the keys by itself when it is clicked.
        if matches!(event, MouseEvent::ButtonPressed { .. }) && !self.window.has_focus() {
            // A host may keep them.
            let _ = self.window.focus();
        }
        let pixels_per_point = self.window.scale_factor() * f64::from(self.zoom.get());
        let answer = self.input.borrow_mut().mouse(event, pixels_per_point);
        let is_ours = self.ctx.egui_is_using_pointer() || self.ctx.egui_wants_pointer_input();
        match (answer, is_ours) {
            (Some(answer), _) => answer,
            (None, true) => EventStatus::Captured,
            (None, false) => EventStatus::Ignored,
        }
    }

    fn key(&self, event: &KeyboardEvent) -> EventStatus {
        self.input.borrow_mut().key(event, || self.pasted());
        let is_wanted = self.ctx.egui_wants_keyboard_input();
        match is_wanted && self.contents.borrow().takes(&self.ctx, &event.key) {
            true => EventStatus::Captured,
            false => EventStatus::Ignored,
        }
    }
}

impl<C: Contents> WindowHandler for Handler<C> {
    fn draw(&self) -> Result<(), HandlerError> {
        let mut output = self.run();
        self.obey(&output)?;
        for command in std::mem::take(&mut output.platform_output.commands) {
            if let OutputCommand::CopyText(text) = command {
                self.copy(text);
            }
        }
        self.paint(output)
    }

    fn resized(&self, size: WindowSize) -> Result<(), HandlerError> {
        let points = self.points(size);
        self.contents.borrow_mut().resized(points, size);
        Ok(())
    }

    fn on_event(&self, event: Event) -> EventStatus {
        let status = match event {
            Event::Mouse(event) => self.mouse(event),
            Event::Keyboard(event) => self.key(&event),
            Event::Window(event) => {
                self.input.borrow_mut().window(&event);
                EventStatus::Captured
            }
            _ => return EventStatus::Ignored,
        };
        self.window.request_redraw();
        status
    }
}
