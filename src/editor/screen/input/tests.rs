//! What egui is told of what happens to the window.

use super::*;
use egui::{Event, Vec2};
use keyboard_types::NamedKey;

const WINDOW: Rect = Rect::from_min_max(Pos2::ZERO, pos2(800.0, 600.0));

fn taken(input: &mut Input) -> RawInput {
    input.take(1.0, WINDOW, 2.0)
}

fn files_of(names: &[&str]) -> DropData {
    match names {
        [] => DropData::None,
        names => DropData::Files(names.iter().map(Into::into).collect()),
    }
}

fn drag(event: &str, data: DropData) -> MouseEvent {
    let position = PhysicalPosition::new(10.0, 20.0);
    let modifiers = keyboard_types::Modifiers::empty();
    match event {
        "entered" => MouseEvent::DragEntered {
            position,
            modifiers,
            data,
        },
        "moved" => MouseEvent::DragMoved {
            position,
            modifiers,
            data,
        },
        "dropped" => MouseEvent::DragDropped {
            position,
            modifiers,
            data,
        },
        _ => MouseEvent::DragLeft,
    }
}

#[test]
fn files_are_held_until_they_leave_or_are_dropped_once() {
    let names = ["/songs/Frühling im Garten.pth", "/songs/voices"];
    // What happens, whether the system is told that files are taken, and then: held, dropped.
    let cases: [(&[&str], Option<bool>, usize, usize); 6] = [
        (&["entered"], Some(true), 2, 0),
        (&["entered", "moved", "moved"], Some(true), 2, 0),
        (&["entered", "left"], None, 0, 0),
        (&["entered", "moved", "dropped"], Some(true), 0, 2),
        (&["entered", "left", "dropped"], Some(true), 0, 2),
        (&["dropped", "left"], None, 0, 2),
    ];
    for (events, answer, held, dropped) in cases {
        let mut input = Input::default();
        let mut last = None;
        for event in events {
            last = input.mouse(drag(event, files_of(&names)), 1.0);
        }
        let accepted = EventStatus::AcceptDrop(DropEffect::Copy);
        assert_eq!(last, answer.map(|_| accepted), "{events:?}");
        let frame = taken(&mut input);
        let of = |path: &Path| names.iter().any(|name| path == Path::new(name));
        let is_held = |file: &HoveredFile| file.path.as_deref().is_some_and(of);
        assert_eq!(frame.hovered_files.len(), held, "{events:?}");
        assert!(frame.hovered_files.iter().all(is_held), "{events:?}");
        assert_eq!(frame.dropped_files.len(), dropped, "{events:?}");
        assert!(frame.dropped_files.iter().all(|file| of(file.path())));
        // The next frame still knows of what is held, and nothing of what was dropped.
        let next = taken(&mut input);
        assert_eq!(next.hovered_files.len(), held, "{events:?}");
        assert_eq!(next.dropped_files.len(), 0, "{events:?}");
    }
}

#[test]
fn what_is_no_file_is_not_taken() {
    for event in ["entered", "moved", "dropped"] {
        let mut input = Input::default();
        let answer = input.mouse(drag(event, files_of(&[])), 1.0);
        assert_eq!(answer, Some(EventStatus::Ignored), "{event}");
        let frame = taken(&mut input);
        assert!(frame.hovered_files.is_empty() && frame.dropped_files.is_empty());
    }
}

#[test]
fn the_pointer_is_in_points() {
    let mut input = Input::default();
    let modifiers = keyboard_types::Modifiers::SHIFT;
    let position = PhysicalPosition::new(300.0, 120.0);
    input.mouse(
        MouseEvent::CursorMoved {
            position,
            modifiers,
        },
        3.0,
    );
    let button = MouseButton::Left;
    input.mouse(MouseEvent::ButtonPressed { button, modifiers }, 3.0);
    let delta = ScrollDelta::Lines { x: 0.0, y: -1.0 };
    input.mouse(MouseEvent::WheelScrolled { delta, modifiers }, 3.0);
    input.mouse(MouseEvent::CursorLeft, 3.0);
    // Where the pointer is nobody knows now.
    input.mouse(MouseEvent::ButtonReleased { button, modifiers }, 3.0);
    let (at, modifiers) = (pos2(100.0, 40.0), Modifiers::SHIFT);
    let events = taken(&mut input).events;
    let expected = [
        Event::ModifiersChanged(modifiers),
        Event::PointerMoved(at),
        Event::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed: true,
            modifiers,
        },
        Event::MouseWheel {
            unit: egui::MouseWheelUnit::Line,
            delta: Vec2::new(0.0, -1.0),
            modifiers,
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
        },
        Event::PointerGone,
    ];
    assert_eq!(events, expected);
}

#[test]
fn keys_are_named_written_and_pasted() {
    let with = match cfg!(target_os = "macos") {
        true => keyboard_types::Modifiers::META,
        false => keyboard_types::Modifiers::CONTROL,
    };
    let none = keyboard_types::Modifiers::empty();
    let shift = keyboard_types::Modifiers::SHIFT;
    let text = |text: &str| Key::Character(text.into());
    let written = |text: &str| Some(Event::Text(text.into()));
    let cases = [
        (
            text("a"),
            Code::KeyA,
            none,
            Some(egui::Key::A),
            written("a"),
        ),
        (
            text("Z"),
            Code::KeyZ,
            shift,
            Some(egui::Key::Z),
            written("Z"),
        ),
        (text("ß"), Code::Minus, none, None, written("ß")),
        (
            text(" "),
            Code::Space,
            none,
            Some(egui::Key::Space),
            written(" "),
        ),
        (text("z"), Code::KeyZ, with, Some(egui::Key::Z), None),
        (
            text("x"),
            Code::KeyX,
            with,
            Some(egui::Key::X),
            Some(Event::Cut),
        ),
        (
            text("c"),
            Code::KeyC,
            with,
            Some(egui::Key::C),
            Some(Event::Copy),
        ),
        (
            text("v"),
            Code::KeyV,
            with,
            Some(egui::Key::V),
            Some(Event::Paste("a path".into())),
        ),
        (
            Key::Named(NamedKey::ArrowUp),
            Code::ArrowUp,
            none,
            Some(egui::Key::ArrowUp),
            None,
        ),
        (
            Key::Named(NamedKey::PageDown),
            Code::PageDown,
            none,
            Some(egui::Key::PageDown),
            None,
        ),
        (
            Key::Named(NamedKey::Shift),
            Code::ShiftLeft,
            shift,
            None,
            None,
        ),
    ];
    for (key, code, modifiers, expected, then) in cases {
        let mut input = Input::default();
        for state in [KeyState::Down, KeyState::Up] {
            let event = KeyboardEvent {
                state,
                key: key.clone(),
                code,
                modifiers,
                ..KeyboardEvent::default()
            };
            input.key(&event, || Some("a path".to_owned()));
        }
        let events = taken(&mut input).events;
        let named: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Key { key, pressed, .. } => Some((*key, *pressed)),
                _ => None,
            })
            .collect();
        let both = expected.map(|key| vec![(key, true), (key, false)]);
        assert_eq!(named, both.unwrap_or_default(), "{key:?}");
        let rest = events
            .into_iter()
            .filter(|event| !matches!(event, Event::Key { .. } | Event::ModifiersChanged(_)));
        assert_eq!(rest.collect::<Vec<_>>(), Vec::from_iter(then), "{key:?}");
    }
}
