//! Presets in the editor: looked for, set, stepped through, saved, given away, taken in.

mod editor_stage;

use autovoice::editor::{Scene, WindowSettings};
use autovoice::preset::{Library, Value, from_code};
use editor_stage::Stage;
use egui::{Key, vec2};

fn browsing() -> Stage {
    Stage::looking(WindowSettings {
        presets: true,
        ..WindowSettings::default()
    })
}

/// Writes into the field that shows this.
fn fill(stage: &mut Stage, field: &str, text: &str) {
    stage.click_on(field);
    stage.write(text);
    stage.frame(vec![]);
}

/// The name between the arrows, which stands before everything else of that text.
fn current(stage: &Stage) -> String {
    let arrow = stage.place_of("Previous preset");
    let beside = |place: &egui::Rect| {
        (place.center().y - arrow.center().y).abs() < 4.0 && arrow.right() < place.left()
    };
    let found = stage.texts.iter().find(|(_, place)| beside(place));
    found.expect("a name").0.clone()
}

#[test]
fn a_preset_is_found_set_and_undone() {
    let mut stage = browsing();
    let params = stage.params.clone();
    assert_eq!(current(&stage), "Presets");
    assert!(stage.shows("Airy") && !stage.shows("INPUT"));
    fill(&mut stage, "Search", "octave down");
    assert!(!stage.shows("Airy"));
    stage.click_on("Octave Down");
    assert_eq!(params.voice.pitch.value(), -12.0);
    assert_eq!(current(&stage), "Octave Down");

    stage.click_on("Bypass");
    assert_eq!(
        current(&stage),
        "Octave Down",
        "bypass is no part of a sound"
    );
    // The name above hides the list, and the knobs are back.
    stage.click_on("Octave Down");
    stage.drag(stage.dial_below("Pitch", 50.0), vec2(0.0, 10.0));
    stage.frame(vec![]);
    assert_eq!(current(&stage), "Octave Down *");
    stage.click_named("Undo");
    assert_eq!(current(&stage), "Octave Down");
    stage.click_named("Undo");
    stage.click_named("Undo");
    assert_eq!(params.voice.pitch.value(), 0.0, "the preset is one step");
}

/// The names of the presets that came with AutoVoice and are so.
fn shipped(query: &str, tags: &[&str]) -> Vec<String> {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let library = Library::factory();
    let found = library.search(query, &tags);
    found.map(|entry| entry.preset.about.name.clone()).collect()
}

#[test]
fn tags_narrow_the_list() {
    let mut stage = browsing();
    let tuned = shipped("", &["tuning"]);
    assert!(!tuned.contains(&"Airy".to_owned()));
    stage.click_on("tuning");
    assert!(stage.shows(&tuned[0]) && !stage.shows("Airy"));
    stage.click_named("Show all");
    assert!(stage.shows("Airy"));
}

#[test]
fn arrows_step_through_the_list_and_around_its_end() {
    let mut stage = browsing();
    let octaves = shipped("octave", &[]);
    fill(&mut stage, "Search", "octave");
    for name in octaves.iter().chain(&octaves[..1]) {
        stage.click_named("Next preset");
        assert_eq!(current(&stage), *name);
    }
    stage.click_named("Previous preset");
    assert_eq!(Some(&current(&stage)), octaves.last());
}

#[test]
fn what_is_set_is_saved_replaced_and_removed() {
    let mut stage = browsing();
    let params = stage.params.clone();
    let folder = stage.home.path().join("presets");
    fill(&mut stage, "Search", "octave down");
    stage.click_on("Octave Down");
    stage.click_on("Save…");
    // The name of the factory preset is proposed; it becomes one of the user's.
    fill(&mut stage, "Author", "Me");
    stage.click_on("Save");
    assert!(stage.shows("Saved as"), "{:?}", stage.texts);
    let library = Library::load(&folder);
    let entry = library.find("Octave Down").expect("saved");
    assert_eq!(entry.preset.about.author, "Me");
    assert_eq!(
        entry.preset.values.iter().map(|(p, v)| (p.id, v)).next(),
        Some(("pitch", Value::Number(-12.0)))
    );

    stage.click_on("Save…");
    stage.click_on("Save");
    assert!(stage.shows("found a preset of yours"), "{:?}", stage.texts);
    stage.click_on("Replace it");
    assert!(stage.shows("Saved as"));

    stage.click_on("Remove");
    assert!(stage.shows("Removed"));
    assert_eq!(
        Library::load(&folder).entries().len() + 1,
        library.entries().len()
    );
    assert_eq!(params.voice.pitch.value(), -12.0, "the sound stays");
}

#[test]
fn a_sound_goes_to_another_window_as_a_code() {
    let mut stage = browsing();
    fill(&mut stage, "Search", "robot");
    stage.click_on("Robot");
    stage.click_on("Copy code");
    let code = stage.clipboard.clone().expect("copied");
    assert!(code.len() < 400, "{} characters", code.len());
    assert!(from_code(&code).is_ok());

    let mut other = browsing();
    other.click_on("Paste…");
    fill(
        &mut other,
        "A code, AV1:…, or the path of a file",
        &format!(" `{code}` "),
    );
    other.click_on("Take in");
    assert_eq!(current(&other), "Robot");
    let (mine, theirs) = (stage.params.settings(Default::default()), &other.params);
    assert_eq!(mine, theirs.settings(Default::default()));

    let before = other.params.settings(Default::default());
    other.click_on("Paste…");
    fill(
        &mut other,
        "A code, AV1:…, or the path of a file",
        &code[..code.len() - 9],
    );
    other.click_on("Take in");
    assert!(other.shows("expected a whole code"), "{:?}", other.texts);
    assert_eq!(other.params.settings(Default::default()), before);
}

#[test]
fn a_preset_goes_through_a_file() {
    let mut stage = browsing();
    let file = stage.home.path().join("for you.toml");
    fill(&mut stage, "Search", "telephone");
    stage.click_on("Telephone");
    stage.click_on("Export…");
    let path = file.to_str().expect("a path in UTF-8").to_owned();
    fill(&mut stage, "The path of the new file, .toml", &path);
    stage.click_on("Write");
    assert!(stage.shows("Wrote"), "{:?}", stage.texts);

    let mut other = browsing();
    other.click_on("Paste…");
    fill(&mut other, "A code, AV1:…, or the path of a file", &path);
    other.key(Key::Enter);
    other.frame(vec![]);
    assert_eq!(current(&other), "Telephone");
    let folder = other.home.path().join("presets");
    assert_eq!(std::fs::read_dir(folder).expect("made").count(), 1);
}

#[test]
fn a_file_that_is_no_preset_is_told_of() {
    let mut stage = browsing();
    let folder = stage.home.path().join("presets");
    std::fs::create_dir_all(&folder).expect("writable");
    std::fs::write(folder.join("broken.toml"), "format = ").expect("writable");
    stage = stage.reopened();
    fill(&mut stage, "Search", "nothing is called so");
    assert!(stage.shows("No preset is like that."));
    assert!(
        stage.shows("broken.toml: expected a preset"),
        "{:?}",
        stage.texts
    );
}

#[test]
fn a_project_that_is_opened_again_shows_its_preset() {
    let mut stage = browsing();
    fill(&mut stage, "Search", "giant");
    stage.click_on("Giant");
    let again = stage.reopened();
    assert_eq!(current(&again), "Giant");
}

#[test]
fn the_stage_steps_through_presets_and_lists_them() {
    let mut stage = Stage::looking(WindowSettings {
        scene: Scene::Stage,
        ..WindowSettings::default()
    });
    stage.click_named("Next preset");
    let name = current(&stage);
    assert_ne!(name, "Presets");
    stage.click_on(&name);
    assert!(stage.shows("Copy code"));
}

#[test]
fn rows_are_reached_with_the_keys() {
    let mut stage = browsing();
    fill(&mut stage, "Search", "octave down");
    let row = stage.find("Octave Down").center();
    let is_reached = |stage: &mut Stage| {
        stage.key(Key::Tab);
        let focused = stage.ctx.memory(|memory| memory.focused());
        let place = focused.and_then(|id| stage.ctx.read_response(id));
        place.is_some_and(|response| response.rect.contains(row))
    };
    assert!((0..60).any(|_| is_reached(&mut stage)));
    stage.key(Key::Space);
    assert_eq!(stage.params.voice.pitch.value(), -12.0);
}
