//! What baseview tells of, in egui's words, until the next frame takes it: pointer, keys, focus,
//! and files that are held over the window or dropped. Window's thread; reads no file.

use baseview::dpi::PhysicalPosition;
use baseview::{
    DropData, DropEffect, EventStatus, MouseButton, MouseCursor, MouseEvent, ScrollDelta,
    WindowEvent,
};
use egui::{CursorIcon, HoveredFile, Modifiers, PointerButton, Pos2, RawInput, Rect, pos2, vec2};
use keyboard_types::{Code, Key, KeyState, KeyboardEvent};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// What happened since the last frame.
#[derive(Default)]
pub struct Input {
    raw: RawInput,
    pointer: Option<Pos2>,
    modifiers: Modifiers,
}

/// A file that was dropped: its place, for whoever imports it.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("expected somebody who opens files by their path".to_owned())
    }
}

impl Input {
    /// Nothing yet, for textures of at most so many pixels a side.
    #[must_use]
    pub fn new(most_texture_side: usize) -> Self {
        let mut input = Self::default();
        input.raw.max_texture_side = Some(most_texture_side);
        input
    }

    /// What the next frame is drawn with: the time in seconds, the window in points, and how many
    /// pixels a point of the system's is.
    pub fn take(&mut self, time_s: f64, window: Rect, scale: f32) -> RawInput {
        self.raw.time = Some(time_s);
        self.raw.screen_rect = Some(window);
        let viewport = self.raw.viewports.entry(self.raw.viewport_id).or_default();
        viewport.native_pixels_per_point = Some(scale);
        viewport.inner_rect = Some(window);
        self.raw.take()
    }

    /// Takes in what the pointer did, and answers whether a file may be dropped; positions are of
    /// so many pixels a point.
    pub fn mouse(&mut self, event: MouseEvent, pixels_per_point: f64) -> Option<EventStatus> {
        let place = |at: PhysicalPosition<f64>| {
            pos2(
                (at.x / pixels_per_point) as f32,
                (at.y / pixels_per_point) as f32,
            )
        };
        match event {
            MouseEvent::CursorMoved {
                position,
                modifiers,
            } => {
                self.hold(modifiers);
                let at = place(position);
                self.pointer = Some(at);
                self.push(egui::Event::PointerMoved(at));
            }
            MouseEvent::ButtonPressed { button, modifiers } => {
                self.press(button, modifiers, true);
            }
            MouseEvent::ButtonReleased { button, modifiers } => {
                self.press(button, modifiers, false);
            }
            MouseEvent::WheelScrolled { delta, modifiers } => {
                self.hold(modifiers);
                self.scroll(delta);
            }
            MouseEvent::CursorLeft => {
                self.pointer = None;
                self.push(egui::Event::PointerGone);
            }
            MouseEvent::DragEntered { data, .. } | MouseEvent::DragMoved { data, .. } => {
                return Some(self.hover(data));
            }
            MouseEvent::DragLeft => self.raw.hovered_files.clear(),
            MouseEvent::DragDropped { data, .. } => {
                self.raw.hovered_files.clear();
                return Some(self.drop(data));
            }
            _ => {}
        }
        None
    }

    /// Any file may be dropped: one that is no voice is told what it is instead.
    fn hover(&mut self, data: DropData) -> EventStatus {
        let hovered = |path| HoveredFile {
            path: Some(path),
            mime: String::new(),
        };
        let files = files(data);
        let answer = answer(&files);
        self.raw.hovered_files = files.into_iter().map(hovered).collect();
        answer
    }

    fn drop(&mut self, data: DropData) -> EventStatus {
        let files = files(data);
        let answer = answer(&files);
        let dropped = files.into_iter().map(|file| Arc::new(Dropped(file)) as _);
        self.raw.dropped_files.extend(dropped);
        answer
    }

    fn press(&mut self, button: MouseButton, modifiers: keyboard_types::Modifiers, pressed: bool) {
        self.hold(modifiers);
        let button = match button {
            MouseButton::Left => PointerButton::Primary,
            MouseButton::Middle => PointerButton::Middle,
            MouseButton::Right => PointerButton::Secondary,
            _ => return,
        };
        if let Some(pos) = self.pointer {
            self.push(egui::Event::PointerButton {
                pos,
                button,
                pressed,
                modifiers: self.modifiers,
            });
        }
    }

    fn scroll(&mut self, delta: ScrollDelta) {
        let (unit, mut delta) = match delta {
            ScrollDelta::Lines { x, y } => (egui::MouseWheelUnit::Line, vec2(x, y)),
            ScrollDelta::Pixels { x, y } => (egui::MouseWheelUnit::Point, vec2(x, y)),
        };
        if cfg!(target_os = "macos") {
            delta.x = -delta.x;
        }
        self.push(egui::Event::MouseWheel {
            unit,
            delta,
            modifiers: self.modifiers,
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
        });
    }

    /// Takes in a key; `clipboard` is asked only for what is pasted.
    pub fn key(&mut self, event: &KeyboardEvent, clipboard: impl FnOnce() -> Option<String>) {
        self.hold(event.modifiers);
        let (modifiers, pressed) = (self.modifiers, event.state == KeyState::Down);
        if let Some(key) = egui::Key::from_name(&event.key.to_string()) {
            self.push(egui::Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: event.repeat,
                modifiers,
            });
        }
        if !pressed {
            return;
        }
        let on_windows = cfg!(target_os = "windows");
        let written = match (event.code, &event.key) {
            (Code::KeyX, _) if modifiers.command => Some(egui::Event::Cut),
            (Code::KeyC, _) if modifiers.command => Some(egui::Event::Copy),
            (Code::KeyV, _) if modifiers.command => clipboard().map(egui::Event::Paste),
            (Code::Delete, _) if on_windows && modifiers.shift => Some(egui::Event::Cut),
            (Code::Insert, _) if on_windows && modifiers.ctrl => Some(egui::Event::Copy),
            (Code::Insert, _) if on_windows && modifiers.shift => {
                clipboard().map(egui::Event::Paste)
            }
            (_, Key::Character(text)) if !modifiers.ctrl && !modifiers.command => {
                Some(egui::Event::Text(text.clone()))
            }
            _ => None,
        };
        self.raw.events.extend(written);
    }

    /// Takes in that the window got or lost the keys.
    pub fn window(&mut self, event: &WindowEvent) {
        let focused = match event {
            WindowEvent::Focused => true,
            WindowEvent::Unfocused => false,
            _ => return,
        };
        self.raw.focused = focused;
        self.push(egui::Event::WindowFocused(focused));
    }

    fn hold(&mut self, modifiers: keyboard_types::Modifiers) {
        let on_mac = cfg!(target_os = "macos");
        let now = Modifiers {
            alt: modifiers.alt(),
            ctrl: modifiers.ctrl(),
            shift: modifiers.shift(),
            mac_cmd: on_mac && modifiers.meta(),
            command: match on_mac {
                true => modifiers.meta(),
                false => modifiers.ctrl(),
            },
        };
        if now != self.modifiers {
            self.modifiers = now;
            self.push(egui::Event::ModifiersChanged(now));
        }
    }

    fn push(&mut self, event: egui::Event) {
        self.raw.events.push(event);
    }
}

fn files(data: DropData) -> Vec<PathBuf> {
    match data {
        DropData::Files(files) => files,
        _ => Vec::new(),
    }
}

fn answer(files: &[PathBuf]) -> EventStatus {
    match files.is_empty() {
        true => EventStatus::Ignored,
        false => EventStatus::AcceptDrop(DropEffect::Copy),
    }
}

/// The system's pointer for egui's; those that the editor never shows are the usual one.
#[must_use]
pub fn cursor(icon: CursorIcon) -> MouseCursor {
    match icon {
        CursorIcon::None => MouseCursor::Hidden,
        CursorIcon::Help => MouseCursor::Help,
        CursorIcon::PointingHand | CursorIcon::Grab => MouseCursor::Hand,
        CursorIcon::Grabbing => MouseCursor::HandGrabbing,
        CursorIcon::Progress => MouseCursor::PtrWorking,
        CursorIcon::Wait => MouseCursor::Working,
        CursorIcon::Crosshair => MouseCursor::Crosshair,
        CursorIcon::Text => MouseCursor::Text,
        CursorIcon::Copy => MouseCursor::Copy,
        CursorIcon::Move => MouseCursor::Move,
        CursorIcon::NoDrop | CursorIcon::NotAllowed => MouseCursor::NotAllowed,
        CursorIcon::AllScroll => MouseCursor::AllScroll,
        CursorIcon::ResizeHorizontal | CursorIcon::ResizeColumn => MouseCursor::EwResize,
        CursorIcon::ResizeVertical | CursorIcon::ResizeRow => MouseCursor::NsResize,
        CursorIcon::ResizeNeSw => MouseCursor::NeswResize,
        CursorIcon::ResizeNwSe => MouseCursor::NwseResize,
        _ => MouseCursor::Default,
    }
}
