//! The page on which a voice is made, without a window: egui is fed with what a hand does, and what
//! is drawn is looked at.

mod new_voice_desk;

use autovoice::app::new_voice::project::STATEMENT;
use autovoice::app::new_voice::session::{Mic, Stage};
use autovoice::app::new_voice::{NewVoicePanel, Wish, button_text, script};
use autovoice::editor::theme;
use autovoice::preset::VoiceRef;
use egui::{Context, Event, Modifiers, PointerButton, Pos2, RawInput, Rect, Shape, Vec2, vec2};
use new_voice_desk::{Home, Rig, buzz};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The page and a hand.
struct Page {
    rig: Rig,
    panel: NewVoicePanel,
    ctx: Context,
    size: Vec2,
    time_s: f64,
    texts: Vec<(String, Rect)>,
    wish: Option<Wish>,
}

impl Page {
    /// In a window of the usual size; the dialog for a folder answers with this one.
    fn open(home: &Home, answer: Option<PathBuf>) -> Self {
        let ctx = Context::default();
        theme::apply(&ctx, true);
        let mut page = Self {
            rig: Rig::open(home, [2, 2]),
            panel: NewVoicePanel::new(Arc::new(move |_| answer.clone())),
            ctx,
            size: vec2(1080.0, 720.0),
            time_s: 0.0,
            texts: Vec::new(),
            wish: None,
        };
        page.frame(vec![]);
        page.frame(vec![]);
        page
    }

    fn frame(&mut self, events: Vec<Event>) {
        self.time_s += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.time_s),
            focused: true,
            events,
            ..RawInput::default()
        };
        let (panel, rig) = (&mut self.panel, &mut self.rig);
        let mut wish = None;
        let mut output = self.ctx.run_ui(input, |ui| {
            wish = panel.show(ui, &mut rig.desk, &rig.shared);
        });
        output.textures_delta.clear();
        self.wish = self.wish.take().or(wish);
        self.texts.clear();
        for clipped in &output.shapes {
            collect(&clipped.shape, &mut self.texts);
        }
        self.rig.tick();
    }

    fn shows(&self, part: &str) -> bool {
        self.texts.iter().any(|(text, _)| text.contains(part))
    }

    fn until_shows(&mut self, part: &str) {
        let patience = Instant::now() + Duration::from_secs(120);
        while !self.shows(part) {
            assert!(
                Instant::now() < patience,
                "no \"{part}\" in {:?}",
                self.texts
            );
            std::thread::sleep(Duration::from_millis(1));
            self.rig.dummy.run(1);
            self.frame(vec![]);
        }
    }

    fn click(&mut self, text: &str) {
        self.time_s += 1.0;
        self.frame(vec![]);
        let found = self.texts.iter().find(|(shown, _)| shown == text);
        let place = found.unwrap_or_else(|| panic!("no \"{text}\" in {:?}", self.texts));
        let pos = place.1.center();
        self.frame(vec![Event::PointerMoved(pos)]);
        for pressed in [true, false] {
            let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
            self.frame(vec![Event::PointerButton {
                pos,
                button,
                pressed,
                modifiers,
            }]);
        }
        self.frame(vec![]);
    }

    /// Types into the field with this hint.
    fn write(&mut self, hint: &str, text: &str) {
        self.click(hint);
        self.frame(vec![Event::Text(text.to_owned())]);
        self.frame(vec![]);
    }
}

fn collect(shape: &Shape, texts: &mut Vec<(String, Rect)>) {
    match shape {
        Shape::Text(text) => texts.push((
            text.galley.text().to_owned(),
            text.galley.rect.translate(text.pos.to_vec2()),
        )),
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, texts)),
        _ => {}
    }
}

#[test]
fn a_hand_gets_from_the_name_to_the_second_sentence() {
    let home = Home::new(false);
    let mut page = Page::open(&home, None);
    assert!(page.shows("Give the voice a name."));
    page.write("as it will stand in the list", "Anna");
    assert!(page.shows("Say whose voice it is."));
    page.write("the name of who speaks or sings", "Anna Muster");
    assert!(page.shows("Tick the statement"));
    page.click("Begin");
    assert_eq!(
        page.rig.desk.session.stage,
        Stage::Describing,
        "nobody agreed"
    );
    page.click(STATEMENT);
    page.click("Begin");
    page.until_shows("New voice: Anna");
    let count = script::count();
    let mut sentences = script::sentences();
    assert!(page.shows(&format!("Sentence 1 of {count}")));
    assert!(page.shows(sentences.next().expect("a first one")));

    page.click("Record");
    page.rig.sing(2.0);
    page.frame(vec![]);
    assert!(page.shows("Stop") && page.shows("recording 0:0") && page.shows("The level is good."));
    page.click("Read, next");
    assert!(page.shows(sentences.next().expect("a second one")));
    page.until_shows("1 read");
    page.rig.sing(2.0);
    page.click("Stop");
    page.until_shows("2 read");
    assert_eq!(page.rig.desk.session.mic, Mic::Idle);
    page.until_shows("noise or echo");
    assert!(page.shows("Read it again"));
    page.click("Make the voice");
    assert_eq!(
        page.rig.desk.session.stage,
        Stage::Reading,
        "there is too little"
    );
    page.click("Back to the editor");
    assert_eq!(page.wish, Some(Wish::Close));

    // Another voice, and back to this one.
    page.click("Another voice");
    page.until_shows("Begun before");
    assert!(page.shows(&format!("2 of {count} sentences read")));
    page.click("Go on");
    page.until_shows("New voice: Anna");
}

#[test]
fn a_folder_is_chosen_and_what_goes_wrong_is_said() {
    let home = Home::new(false);
    home.spoil();
    let folder = home.0.path().join("elsewhere");
    buzz(&folder.join("one.wav"), 160.0, 6.0);
    let mut page = Page::open(&home, Some(folder.clone()));
    page.write("as it will stand in the list", "Bo");
    page.write("the name of who speaks or sings", "Bo");
    page.click(STATEMENT);
    page.click("Take recordings from a folder: one voice alone, three minutes or more");
    assert!(page.shows("Choose the folder"));
    page.click("Browse…");
    page.until_shows(&folder.display().to_string());
    page.click("Begin");
    page.until_shows("Recordings in");
    page.click("Quick, 5 min");
    page.click("Make the voice");
    page.until_shows("A file could not be read or written");
    assert_eq!(page.rig.desk.session.project.minutes, 5.0);
    assert_eq!(button_text(&page.rig.desk), "Bo failed");
    page.click("Back to the recordings");
    assert!(page.shows("Make the voice"));
}

#[test]
fn every_stage_can_be_drawn_in_any_window_and_offers_what_can_be_done() {
    let home = Home::new(false);
    let mut page = Page::open(&home, None);
    page.rig.begin("Cy");
    let voice = VoiceRef {
        name: "Cy".to_owned(),
        sha256: None,
    };
    for (size, dark) in [(vec2(1080.0, 720.0), true), (vec2(480.0, 300.0), false)] {
        page.size = size;
        theme::apply(&page.ctx, dark);
        for (stage, offers, says) in [
            (Stage::Training, "Pause", "Cy 0 %"),
            (
                Stage::Stopping { for_good: false },
                "being kept",
                "Cy stops",
            ),
            (Stage::Paused, "Go on", "Cy waits"),
            (
                Stage::Finished(voice.clone()),
                "Sing with it",
                "Cy is ready",
            ),
        ] {
            page.rig.desk.session.stage = stage;
            page.rig.desk.session.progress.curve = vec![9.0, f32::NAN, 5.0, 4.0];
            page.rig.desk.session.progress.advice = vec!["a.wav: noise".to_owned()];
            page.frame(vec![]);
            page.frame(vec![]);
            assert!(page.shows(offers), "{offers} is not in {:?}", page.texts);
            assert_eq!(button_text(&page.rig.desk), says);
        }
    }
    page.size = vec2(1080.0, 720.0);
    page.frame(vec![]);
    page.click("Sing with it");
    assert_eq!(page.wish, Some(Wish::Sing(voice)));
    page.wish = None;
    page.click("Report of the training");
    assert!(matches!(&page.wish, Some(Wish::Open(page)) if page.ends_with("voice.html")));
}
