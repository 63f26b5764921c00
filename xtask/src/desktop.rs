//! The host's side of an X display: parent windows, and what is painted in them.

use anyhow::{Context, Result};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, CreateWindowAux, ImageFormat, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::clap_host::EditorSize;

/// A connection to a display.
pub struct Desktop {
    connection: RustConnection,
    screen: usize,
}

/// What is painted in a window.
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green and blue of every pixel, row by row.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// How many colours there are in it.
    #[must_use]
    pub fn colours(&self) -> usize {
        let mut pixels: Vec<&[u8]> = self.rgb.chunks_exact(3).collect();
        pixels.sort_unstable();
        pixels.dedup();
        pixels.len()
    }
}

impl Desktop {
    /// The display that the environment names; `None` where there is none.
    #[must_use]
    pub fn open() -> Option<Self> {
        let (connection, screen) = x11rb::connect(None).ok()?;
        Some(Self { connection, screen })
    }

    /// A parent window with its left edge here. What another window covers is not painted.
    ///
    /// # Errors
    /// When the display refuses.
    pub fn window(&self, left: i16, size: EditorSize) -> Result<u32> {
        let root = self.root();
        let id = self.connection.generate_id()?;
        let (width, height) = (u16::try_from(size.width)?, u16::try_from(size.height)?);
        let class = WindowClass::INPUT_OUTPUT;
        let look = CreateWindowAux::new().background_pixel(0);
        let depth = COPY_DEPTH_FROM_PARENT;
        self.connection
            .create_window(depth, id, root, left, 0, width, height, 0, class, 0, &look)?;
        self.connection.map_window(id)?;
        // The plugin asks the server over a connection of its own: the window must be there.
        self.connection.sync()?;
        Ok(id)
    }

    /// The window of the whole screen.
    #[must_use]
    pub fn root(&self) -> u32 {
        self.connection.setup().roots[self.screen].root
    }

    /// The windows in a window.
    ///
    /// # Errors
    /// When it is gone.
    pub fn children(&self, window: u32) -> Result<Vec<u32>> {
        Ok(self.connection.query_tree(window)?.reply()?.children)
    }

    /// Width and height of a window in pixels.
    ///
    /// # Errors
    /// When it is gone.
    pub fn size(&self, window: u32) -> Result<EditorSize> {
        let geometry = self.connection.get_geometry(window)?.reply()?;
        Ok(EditorSize {
            width: geometry.width.into(),
            height: geometry.height.into(),
        })
    }

    /// What is painted in a window now.
    ///
    /// # Errors
    /// When it is gone.
    pub fn picture(&self, window: u32) -> Result<Picture> {
        let geometry = self.connection.get_geometry(window)?.reply()?;
        let (width, height) = (geometry.width, geometry.height);
        let image = self
            .connection
            .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, !0)?
            .reply()
            .context("the window has no picture")?;
        // Four bytes a pixel: blue, green, red, and one that means nothing.
        let pixels = image.data.chunks_exact(4);
        Ok(Picture {
            width: width.into(),
            height: height.into(),
            rgb: pixels.flat_map(|p| [p[2], p[1], p[0]]).collect(),
        })
    }

    /// Destroys a window.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn close(&self, window: u32) -> Result<()> {
        self.connection.destroy_window(window)?;
        self.connection.sync()?;
        Ok(())
    }
}
