//! The slots of an instance: what is saved of them, what presets and files put into them, what
//! instances share, and that nothing stays behind.

mod fake_voices;
mod plugin_host;
mod voice_rig;

use autovoice::plugin::state::{self, VOICES_KEY};
use autovoice::plugin::voices::{CornerState, SlotState};
use autovoice::plugin::{AutoVoiceParams, AutoVoicePlugin};
use autovoice::preset::VoiceRef;
use fake_voices::{Kind, Watch, fake, stock, until, until_shown};
use nice_plug::prelude::*;
use voice_rig::{ADA, BLOCK, BO, Rig, assert_delayed, noise};

/// A project: the parameters and what else is saved.
fn save(params: &AutoVoiceParams) -> PluginState {
    PluginState {
        version: String::new(),
        params: [("pitch".to_owned(), nice_plug::plugin::ParamValue::F32(1.0))].into(),
        fields: params.serialize_fields(),
    }
}

fn load(params: &AutoVoiceParams, mut saved: PluginState) {
    AutoVoicePlugin::filter_state(&mut saved);
    params.deserialize_fields(&saved.fields);
}

#[test]
fn slots_are_saved_with_the_project_and_damage_is_told() {
    let (stock, _) = stock(&[ADA, BO]);
    let params = || AutoVoiceParams::with_voices(stock.clone());
    let project = params();
    project.rack.put(1, Some(ADA.voice()));
    project.rack.put(4, Some(BO.voice()));
    let saved = save(&project);

    let other = params();
    other.rack.put(2, Some(BO.voice()));
    load(&other, saved.clone());
    let slots = |params: &AutoVoiceParams| [1, 2, 3, 4].map(|slot| params.rack.voice_in(slot));
    let expected = [Some(ADA.voice()), None, None, Some(BO.voice())];
    assert_eq!(slots(&other), expected);
    until_shown(&other.rack, "both voices", |shown| {
        [0, 3].map(|at| &shown.slots[at].state) == [&SlotState::Ready; 2]
    });
    assert_eq!(other.serialize_fields(), project.serialize_fields());

    type Damage = fn(&mut PluginState);
    let table: [(Damage, bool, &str); 4] = [
        // A project of before there were voices has none.
        (|s| drop(s.fields.remove(VOICES_KEY)), false, ""),
        (
            |s| drop(s.fields.insert(VOICES_KEY.to_owned(), "[{]".to_owned())),
            false,
            "voices unreadable, the slots are empty",
        ),
        (
            |s| {
                drop(
                    s.fields
                        .insert(VOICES_KEY.to_owned(), "[null]".repeat(4_000)),
                )
            },
            false,
            "voices unreadable, the slots are empty",
        ),
        // What is no state of ours changes nothing.
        (|s| s.params.clear(), true, "nothing was changed"),
    ];
    for (damage, stays, notice) in table {
        let mut damaged = saved.clone();
        damage(&mut damaged);
        load(&other, saved.clone());
        load(&other, damaged);
        let now = if stays {
            expected.clone()
        } else {
            [const { None }; 4]
        };
        assert_eq!(slots(&other), now, "{notice}");
        let told = other.load_report.notice();
        assert!(told.contains(notice), "{told}");
    }
    assert_eq!(state::CURRENT, 6);
}

#[test]
fn a_presets_voice_finds_its_slot() {
    let (stock, _) = stock(&[ADA, BO]);
    let by_name = |name: &str| VoiceRef {
        name: name.to_owned(),
        sha256: None,
    };
    let hashed = |name: &str| VoiceRef {
        sha256: Some("f".repeat(64)),
        ..by_name(name)
    };
    // Voice asked for, slot selected, the slot it gets with Bo in slot 2.
    for (voice, selected, expected) in [
        (ADA.voice(), 3, Some(3)),
        (ADA.voice(), 2, Some(2)),
        (ADA.voice(), 0, Some(1)),
        (BO.voice(), 3, Some(2)),
        (by_name("Bo"), 0, Some(2)),
        (by_name("Gone"), 1, None),
        // Of the same name, and another voice.
        (hashed("Bo"), 1, None),
    ] {
        let params = AutoVoiceParams::with_voices(stock.clone());
        params.rack.put(2, Some(BO.voice()));
        assert_eq!(params.rack.take_in(&voice, selected), expected, "{voice:?}");
        if let Some(slot) = expected {
            let there = params.rack.voice_in(slot).expect("put there");
            assert!(there.is(&voice), "{voice:?}");
            assert_eq!(params.rack.slot_of(&voice), Some(slot));
        }
    }
    let params = AutoVoiceParams::with_voices(stock);
    for slot in 1..=4 {
        params.rack.put(slot, Some(BO.voice()));
    }
    assert_eq!(
        params.rack.take_in(&ADA.voice(), 0),
        Some(1),
        "all are full"
    );
}

#[test]
fn a_presets_corners_take_their_slots() {
    let ours = |name| fake(name, Kind::Ours);
    let (stock, _) = stock(&[ADA, ours("Olga"), ours("Bo"), ours("Cy")]);
    let params = AutoVoiceParams::with_voices(stock);
    let rack = &params.rack;
    rack.put(1, Some(ours("Cy").voice()));
    rack.put(2, Some(ADA.voice()));
    rack.put(3, Some(ours("Cy").voice()));
    let gone = VoiceRef::written("Gone", None).expect("a name");
    let corners = [
        Some(ours("Olga").voice()),
        None,
        None,
        Some(ours("Bo").voice()),
    ];
    assert_eq!(rack.take_corners(&corners), []);
    let held = |slot: usize| rack.voice_in(slot).map(|voice| voice.name);
    let name = |name: &str| Some(name.to_owned());
    // Ada stays, for she is not heard in a morph.
    assert_eq!(
        [1, 2, 3, 4].map(held),
        [name("Olga"), name("Ada"), None, name("Bo")]
    );
    assert!(rack.has_corners(&corners));
    until_shown(rack, "the voices", |shown| {
        [0, 1, 3].map(|at| &shown.slots[at].state) == [&SlotState::Ready; 3]
    });
    assert_eq!(rack.corners(1), corners);
    assert_eq!(rack.shown().corners(4)[1], CornerState::Alone);

    let missing = [None, None, None, Some(gone.clone())];
    assert_eq!(rack.take_corners(&missing), [gone]);
    assert_eq!([1, 2, 3, 4].map(held), [None, name("Ada"), None, None]);
    assert!(!rack.has_corners(&missing) && rack.has_corners(&Default::default()));
}

#[test]
fn a_file_is_taken_in_and_put_into_a_slot() {
    let params = AutoVoiceParams::with_voices(stock(&[ADA]).0);
    params.rack.list();
    until_shown(&params.rack, "the list", |shown| shown.listed.len() == 1);
    params.rack.import("/somewhere/New.pth".into(), Some(2));
    until_shown(&params.rack, "the voice", |shown| {
        shown.slots[1].state == SlotState::Ready && shown.listed.len() == 2
    });
    let said = params.rack.shown().said.clone().expect("said");
    assert_eq!(
        (said.text.as_str(), said.is_error),
        ("New is in the library now; without an index", false)
    );
    params.rack.import("/somewhere/letter.txt".into(), Some(3));
    until_shown(&params.rack, "the reason", |shown| {
        shown.said.as_ref().is_some_and(|said| said.is_error)
    });
    assert_eq!(params.rack.voice_in(3), None);
}

#[test]
fn voices_outlive_a_restart_and_are_shared_between_instances() {
    let (stock, watch) = stock(&[ADA]);
    let mut one = Rig::offline(stock.clone());
    one.put(1, ADA);
    one.put(3, ADA);
    for _ in 0..3 {
        one.activate();
        one.play(&[0.0; 512]);
        one.plugin.deactivate();
    }
    assert_eq!(watch.loads(), 1);
    let mut two = Rig::offline(stock.clone());
    two.put(2, ADA);
    two.set("slot", "Voice 2");
    let delay = two.activate();
    let input = noise(4 * delay);
    let before = two.play(&input);
    assert_delayed(&input, &before, delay, 0.5, 2 * delay, "two");
    assert_eq!(watch.loads(), 1, "one reads, both have it");
    drop(one);
    two.plugin.reset();
    assert_eq!(two.play(&input), before, "nobody hears who left");
    drop(two);
    until("freed memory", || watch.in_memory() == 0);
    let mut three = Rig::offline(stock);
    three.put(1, ADA);
    three.activate();
    three.play(&[0.0; 512]);
    assert_eq!(watch.loads(), 2, "nobody had it any more");
}

/// Nothing grows with time: voices come and go, and afterwards there is as much as before.
#[test]
fn a_long_evening_of_changes_leaves_nothing_behind() {
    let (stock, watch): (_, Watch) = stock(&[ADA, BO]);
    let mut rig = Rig::new(stock);
    rig.put(1, ADA);
    let input = noise(BLOCK);
    for round in 0..60 {
        if round % 20 == 0 {
            rig.activate();
        }
        let voice = [ADA, BO][round % 2];
        rig.params.rack.put(1 + round % 4, Some(voice.voice()));
        if round % 3 == 0 {
            rig.params.rack.put(1 + (round + 2) % 4, None);
        }
        rig.set("slot", &format!("Voice {}", 1 + round % 4));
        for _ in 0..8 {
            rig.play(&input);
        }
    }
    for slot in 1..=4 {
        rig.params.rack.put(slot, None);
    }
    rig.set("slot", "Voice 1");
    until("freed memory", || {
        rig.play(&input);
        watch.in_memory() == 0
    });
}
