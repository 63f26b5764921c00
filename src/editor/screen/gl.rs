//! OpenGL in a window: what egui tessellated is painted and shown. The window's thread. The one
//! file of the editor that says `unsafe`: a context that is made current is the whole thread's.

use baseview::gl::GlContext;
use baseview::{HandlerError, WindowContext};
use egui::{ClippedPrimitive, Color32, TexturesDelta};
use egui_glow::{Painter, glow};
use std::sync::Arc;

/// Paints into one window.
pub struct Canvas {
    gl: GlContext,
    painter: Painter,
}

/// One frame to paint.
pub struct Picture<'a> {
    /// Width and height of the window in pixels.
    pub size: [u32; 2],
    /// Pixels of a point.
    pub pixels_per_point: f32,
    /// What is behind everything.
    pub background: Color32,
    /// What is drawn.
    pub shapes: &'a [ClippedPrimitive],
    /// Textures that came and went.
    pub textures: &'a mut TexturesDelta,
}

#[derive(Debug, thiserror::Error)]
#[error("expected OpenGL, found a window without; the graphics driver may lack version 3.2")]
struct NoOpenGl;

impl Canvas {
    /// The canvas of this window.
    ///
    /// # Errors
    /// When the system has no OpenGL for it.
    pub fn new(window: &WindowContext) -> Result<Self, HandlerError> {
        let gl = window.gl_context().ok_or(NoOpenGl)?;
        let painter = current(&gl, || {
            #[allow(unsafe_code, reason = "the functions of OpenGL are found by name")]
            // SAFETY: the context is current, and what it answers are its own functions.
            let functions = unsafe {
                glow::Context::from_loader_function_cstr(|name| gl.get_proc_address(name))
            };
            Painter::new(Arc::new(functions), "", None, true)
        })??;
        Ok(Self { gl, painter })
    }

    /// Width and height of the largest texture, in pixels.
    #[must_use]
    pub fn most_texture_side(&self) -> usize {
        self.painter.max_texture_side()
    }

    /// Paints a frame and shows it.
    ///
    /// # Errors
    /// When the system has taken the context away.
    pub fn paint(&mut self, picture: Picture<'_>) -> Result<(), HandlerError> {
        let Self { gl, painter } = self;
        current(gl, || {
            let background = picture.background.to_normalized_gamma_f32();
            painter.clear(picture.size, background);
            painter.paint_and_update_textures(
                picture.size,
                picture.pixels_per_point,
                picture.shapes,
                picture.textures,
            );
            gl.swap_buffers()
        })??;
        Ok(())
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        let Self { gl, painter } = self;
        // Where the context is gone, so is what was in it.
        let _ = current(gl, || painter.destroy());
    }
}

/// Does something while this context is the thread's. A host may have one of its own there.
fn current<T>(gl: &GlContext, act: impl FnOnce() -> T) -> Result<T, baseview::Error> {
    #[allow(unsafe_code, reason = "a context belongs to the whole thread")]
    // SAFETY: handlers run on their window's thread only, and no other context of ours is current
    // there: each is released below before anything else of the window's runs.
    unsafe {
        gl.make_current()?;
    }
    let done = act();
    #[allow(unsafe_code, reason = "a context belongs to the whole thread")]
    // SAFETY: it was made current above.
    unsafe {
        gl.make_not_current()?;
    }
    Ok(done)
}
