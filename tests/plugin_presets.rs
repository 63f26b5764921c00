//! Presets and the plugin's parameters: that both mean the same, and that a preset brings back
//! what was saved, through a file and through a code.

mod plugin_host;

use autovoice::pitch::HeldNotes;
use autovoice::plugin::AutoVoiceParams;
use autovoice::plugin::params::ParamRef;
use autovoice::plugin::presets::{Change, capture, changes};
use autovoice::preset::{
    Extent, Id, Kind, Notice, PARAMETERS, Preset, Scope, Value, Values, VoiceRef, factory,
    from_code, from_toml, to_code, to_toml,
};
use nice_plug::prelude::{Param, Params as _};
use plugin_host::set;

/// Sets what a preset says, as a host does when the editor asks for it.
fn apply(params: &AutoVoiceParams, values: &Values) -> usize {
    let changes = changes(params, values);
    changes
        .map(|change| match change {
            Change::Float(p, value) => set(ParamRef::Float(p), p.preview_normalized(value)),
            Change::Int(p, value) => set(ParamRef::Int(p), p.preview_normalized(value)),
            Change::Bool(p, value) => set(ParamRef::Bool(p), p.preview_normalized(value)),
        })
        .count()
}

/// Shares of the ranges that are no round values.
const SHARES: [f32; 7] = [0.0, 1.0, 0.5, 0.137, 0.731, 0.999, 0.001];

#[test]
fn the_table_is_what_hosts_are_told() {
    let params = AutoVoiceParams::default();
    assert_eq!(params.all().len(), PARAMETERS.len());
    assert_eq!(params.param_map().len(), PARAMETERS.len());
    for ((id, param), parameter) in params.all().into_iter().zip(&PARAMETERS) {
        assert_eq!(id, parameter.id);
        match (param, parameter.kind) {
            (
                ParamRef::Float(p),
                Kind::Number {
                    min, max, default, ..
                },
            ) => {
                let ends = (p.preview_plain(0.0), p.preview_plain(1.0));
                assert_eq!((p.name(), ends), (parameter.name, (min, max)));
                assert_eq!(p.default_plain_value(), default, "{id}");
            }
            (ParamRef::Int(p), Kind::Choice { words, default }) => {
                assert_eq!(p.name(), parameter.name);
                assert_eq!(p.step_count(), Some(words.len() - 1), "{id}");
                assert_eq!(p.default_plain_value(), default as i32, "{id}");
                for (at, word) in words.iter().enumerate() {
                    let normalized = p.preview_normalized(at as i32);
                    assert_eq!(p.normalized_value_to_string(normalized, true), *word);
                }
            }
            (ParamRef::Int(p), Kind::Count { min, max, default }) => {
                let ends = [p.preview_plain(0.0), p.preview_plain(1.0)];
                assert_eq!(p.name(), parameter.name);
                assert_eq!(ends, [min, max].map(|end| end as i32), "{id}");
                assert_eq!(p.default_plain_value(), default as i32, "{id}");
            }
            (ParamRef::Int(p), Kind::Notes) => {
                assert_eq!((p.name(), p.default_plain_value()), (parameter.name, 0xfff));
                assert_eq!((p.preview_plain(0.0), p.preview_plain(1.0)), (1, 0xfff));
            }
            (ParamRef::Bool(p), Kind::Switch { default }) => {
                assert_eq!(
                    (p.name(), p.default_plain_value()),
                    (parameter.name, default)
                );
            }
            _ => panic!("{id} is of two kinds"),
        }
    }
    assert_eq!(capture(&params), Values::defaults());
}

fn comes_back(params: &AutoVoiceParams, case: &str) {
    let values = capture(params);
    let preset = Preset::of("Mine", &values, Extent::Everything);
    for (back, notices) in [
        from_toml(&to_toml(&preset)).expect(case),
        from_code(&to_code(&preset)).expect(case),
    ] {
        assert_eq!((&back, notices), (&preset, vec![]), "{case}");
        let resolved = back.resolve(&|_| None);
        assert_eq!(resolved.notices, [], "{case}");
        let fresh = AutoVoiceParams::default();
        apply(&fresh, &resolved.values);
        assert_eq!(capture(&fresh), values, "{case}");
        let settings = |p: &AutoVoiceParams| (p.settings(HeldNotes::default()), p.wanted());
        assert_eq!(settings(&fresh), settings(params), "{case}");
        assert_eq!(
            apply(&fresh, &resolved.values),
            0,
            "{case}: nothing is left to do"
        );
    }
}

#[test]
fn every_parameter_comes_back_wherever_it_stood() {
    let count = AutoVoiceParams::default().all().len();
    for at in 0..count {
        for share in SHARES {
            let params = AutoVoiceParams::default();
            let (id, param) = params.all()[at];
            set(param, share);
            comes_back(&params, &format!("{id} at {share}"));
        }
    }
}

#[test]
fn all_parameters_come_back_together() {
    let mut state = 7u64;
    for round in 0..200 {
        let params = AutoVoiceParams::default();
        for (_, param) in params.all() {
            // Knuth's MMIX generator.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            set(param, (state >> 40) as f32 / (1u64 << 24) as f32);
        }
        comes_back(&params, &format!("round {round}"));
    }
}

#[test]
fn a_preset_sets_the_sound_and_leaves_the_setup() {
    let params = AutoVoiceParams::default();
    for (_, param) in params.all() {
        set(param, 0.731);
    }
    let before = capture(&params);
    let text = "format = 1\nname = \"x\"\n[parameters]\npitch = -5\ninput_db = 3\n";
    let (preset, _) = from_toml(text).expect("a preset");
    apply(&params, &preset.resolve(&|_| None).values);
    let after = capture(&params);
    for parameter in &PARAMETERS {
        let expected = match (parameter.at, parameter.scope) {
            (Id::Pitch, _) => Some(Value::Number(-5.0)),
            (Id::InputDb, _) => Some(Value::Number(3.0)),
            (_, Scope::Sound) => Some(parameter.kind.default_value()),
            (_, Scope::Setup) => before.get(parameter.at),
        };
        assert_eq!(after.get(parameter.at), expected, "{}", parameter.id);
    }
}

#[test]
fn a_voice_is_looked_for_and_missed() {
    let mut preset = Preset::of("x", &Values::default(), Extent::Sound);
    preset.values.set(Id::Pitch, Value::Number(3.0));
    preset.voice = Some(VoiceRef {
        name: "Anna".to_owned(),
        sha256: None,
    });
    let found = preset.resolve(&|voice| (voice.name == "Anna").then_some(3));
    assert_eq!(found.values.get(Id::Slot), Some(Value::Choice(3)));
    assert_eq!(found.notices, []);
    let missed = preset.resolve(&|_| None);
    assert_eq!(missed.values.get(Id::Slot), Some(Value::Choice(0)));
    assert_eq!(missed.values.get(Id::Pitch), Some(Value::Number(3.0)));
    assert_eq!(missed.notices, [Notice::VoiceMissing("Anna".to_owned())]);
    let said = missed.notices[0].to_string();
    assert_eq!(said, "the voice \"Anna\" is not here; the rest is applied");
}

#[test]
fn every_factory_preset_can_be_set_and_saved_again() {
    for preset in factory::presets() {
        let params = AutoVoiceParams::default();
        apply(&params, &preset.resolve(&|_| None).values);
        let name = &preset.about.name;
        let again = Preset::of(name, &capture(&params), Extent::Sound);
        assert_eq!(again.values, preset.values, "{name}");
    }
}
