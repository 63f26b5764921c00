//! The plugin's window: created into a parent window of the host, shown, destroyed.

use anyhow::{Context, Result, ensure};
use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};

use super::Plugin;
use std::collections::HashSet;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// An editor's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditorSize {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

const X11_EMBEDDED: GuiConfiguration<'static> = GuiConfiguration {
    api_type: GuiApiType::X11,
    is_floating: false,
};

impl Plugin {
    /// Whether the plugin has an editor that embeds into an X11 window.
    #[must_use]
    pub fn has_x11_editor(&mut self) -> bool {
        let handle = self.instance.plugin_handle();
        let gui = self.extensions.gui;
        gui.is_some_and(|gui| gui.is_api_supported(&handle, X11_EMBEDDED))
    }

    /// Creates the editor inside the X11 window `parent` makes for its size, and shows it.
    ///
    /// # Errors
    /// When the plugin has none or refuses a step.
    pub fn open_editor(
        &mut self,
        parent: impl FnOnce(EditorSize) -> Result<u32>,
    ) -> Result<EditorSize> {
        let gui = self.gui()?;
        let handle = self.instance.plugin_handle();
        let before = threads();
        gui.create(&handle, X11_EMBEDDED).context("create")?;
        self.editor_is_open = true;
        self.editor_threads = threads().difference(&before).cloned().collect();
        let handle = self.instance.plugin_handle();
        let size = gui.get_size(&handle).context("the editor has no size")?;
        let size = EditorSize {
            width: size.width,
            height: size.height,
        };
        let window = Window::from_x11_handle(parent(size)?.into());
        self.attach(gui, window)?;
        self.idle();
        Ok(size)
    }

    #[allow(unsafe_code)]
    fn attach(&mut self, gui: PluginGui, window: Window) -> Result<()> {
        let handle = self.instance.plugin_handle();
        // SAFETY: the caller keeps the parent window until `close_editor`; X11 itself answers
        // with an error, not with undefined behaviour, to a window that is gone.
        unsafe { gui.set_parent(&handle, window) }.context("set_parent")?;
        // Embedded windows of some frameworks are visible from the start and refuse `show`.
        let _ = gui.show(&handle);
        Ok(())
    }

    /// Resizes the open editor as a host does when its window is dragged; the size it took.
    ///
    /// # Errors
    /// When it cannot be resized or refuses the size.
    pub fn resize_editor(&mut self, wanted: EditorSize) -> Result<EditorSize> {
        let gui = self.gui()?;
        let handle = self.instance.plugin_handle();
        ensure!(gui.can_resize(&handle), "the editor cannot be resized");
        let size = GuiSize {
            width: wanted.width,
            height: wanted.height,
        };
        let size = gui.adjust_size(&handle, size).unwrap_or(size);
        gui.set_size(&handle, size).context("set_size")?;
        self.idle();
        Ok(EditorSize {
            width: size.width,
            height: size.height,
        })
    }

    /// Destroys the editor.
    ///
    /// # Errors
    /// When the plugin has none.
    pub fn close_editor(&mut self) -> Result<()> {
        let gui = self.gui()?;
        let handle = self.instance.plugin_handle();
        gui.destroy(&handle);
        self.editor_is_open = false;
        self.idle();
        // The window's thread ends on its own, and takes the graphics driver with it. A process that
        // exits meanwhile calls into a driver that is gone.
        let patience = Instant::now() + Duration::from_secs(10);
        while !threads().is_disjoint(&self.editor_threads) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
            self.idle();
        }
        self.editor_threads.clear();
        Ok(())
    }

    fn gui(&mut self) -> Result<PluginGui> {
        ensure!(self.has_x11_editor(), "the plugin has no X11 editor");
        self.extensions.gui.context("the plugin has no editor")
    }
}

/// The ids of this process's threads.
fn threads() -> HashSet<OsString> {
    let all = std::fs::read_dir("/proc/self/task");
    let names = all.into_iter().flatten().flatten();
    names.map(|thread| thread.file_name()).collect()
}
