//! Parameters and saved states as hosts see them: frozen ids and flags, text in and out, what they
//! mean for the audio path, and that no state, however broken, gets past the check.

mod plugin_host;

use autovoice::bridge::{DropoutMode, Settings};
use autovoice::engine::Quality;
use autovoice::pitch::{HeldNotes, Key, MidiMode, Scale, ScaleMask, TrackerChoice, VoiceRange};
use autovoice::plugin::params::ParamRef;
use autovoice::plugin::state::{self, VERSION_KEY, VOICES_KEY};
use autovoice::plugin::{AutoVoiceParams, AutoVoicePlugin};
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::*;
use plugin_host::{set, set_text};
use std::collections::BTreeMap;

/// Id, automatable, steps between the lowest and the highest value (none: continuous).
const FROZEN: [(&str, bool, Option<usize>); 34] = [
    ("bypass", true, Some(1)),
    ("mix", true, None),
    ("input_db", true, None),
    ("gate_db", true, None),
    ("output_db", true, None),
    ("limiter", true, Some(1)),
    ("pitch", true, None),
    ("formant", true, None),
    ("range", false, Some(4)),
    ("correct", true, Some(1)),
    ("key", true, Some(11)),
    ("scale", true, Some(12)),
    ("custom_scale", true, Some(4094)),
    ("tuning_hz", true, None),
    ("retune_ms", true, None),
    ("amount", true, None),
    ("humanize", true, None),
    ("midi_mode", true, Some(2)),
    ("slot", true, Some(4)),
    ("dropout_mode", true, Some(2)),
    ("report_latency", false, Some(1)),
    ("tracker", false, Some(2)),
    ("low_cut_hz", true, None),
    ("high_cut_hz", true, None),
    ("index_rate", true, None),
    ("protect", true, None),
    ("rms_mix", true, None),
    ("speaker", true, Some(108)),
    ("hold_pitch", true, Some(1)),
    ("quality", false, Some(3)),
    ("threads", false, Some(1)),
    ("morph", true, Some(1)),
    ("morph_x", true, None),
    ("morph_y", true, None),
];

fn with<T>(param: ParamRef<'_>, f: impl Fn(&dyn Erased) -> T) -> T {
    match param {
        ParamRef::Float(p) => f(p),
        ParamRef::Int(p) => f(p),
        ParamRef::Bool(p) => f(p),
    }
}

/// What the tests ask of parameters of any type.
trait Erased {
    fn flags(&self) -> ParamFlags;
    fn steps(&self) -> Option<usize>;
    fn write(&self, normalized: f32, unit: bool) -> String;
    fn read(&self, text: &str) -> Option<f32>;
    fn pointer(&self) -> ParamPtr;
}

impl<P: Param> Erased for P {
    fn flags(&self) -> ParamFlags {
        Param::flags(self)
    }
    fn steps(&self) -> Option<usize> {
        self.step_count()
    }
    fn write(&self, normalized: f32, unit: bool) -> String {
        self.normalized_value_to_string(normalized, unit)
    }
    fn read(&self, text: &str) -> Option<f32> {
        self.string_to_normalized_value(text)
    }
    fn pointer(&self) -> ParamPtr {
        self.as_ptr()
    }
}

fn named<'a>(params: &'a AutoVoiceParams, wanted: &str) -> ParamRef<'a> {
    let found = params.all().into_iter().find(|(id, _)| *id == wanted);
    found.expect(wanted).1
}

#[test]
fn ids_and_flags_are_frozen() {
    let params = AutoVoiceParams::default();
    let hosted: BTreeMap<String, ParamPtr> = params
        .param_map()
        .into_iter()
        .map(|(id, pointer, _)| (id, pointer))
        .collect();
    assert_eq!(hosted.len(), FROZEN.len());
    for ((id, param), (frozen, is_automatable, steps)) in params.all().into_iter().zip(FROZEN) {
        assert_eq!(id, frozen);
        assert_eq!(hosted.get(id), Some(&with(param, |p| p.pointer())), "{id}");
        let flags = with(param, |p| p.flags());
        let non_automatable = flags.contains(ParamFlags::NON_AUTOMATABLE);
        assert_eq!(!non_automatable, is_automatable, "{id}");
        assert_eq!(flags.contains(ParamFlags::BYPASS), id == "bypass", "{id}");
        assert!(!flags.contains(ParamFlags::HIDDEN), "{id}");
        assert_eq!(with(param, |p| p.steps()), steps, "{id}");
    }
}

#[test]
fn defaults_are_those_of_the_audio_path() {
    let params = AutoVoiceParams::default();
    assert_eq!(params.settings(HeldNotes::default()), Settings::default());
    assert_eq!(params.wanted().range, VoiceRange::default());
    assert!(params.wanted().report_latency);
    assert_eq!(params.wanted().tracker, TrackerChoice::Auto);
    assert_eq!(params.wanted().threads, 2);
}

#[test]
fn every_value_is_written_and_read_back() {
    let params = AutoVoiceParams::default();
    for (id, param) in params.all() {
        for step in 0..=4096u16 {
            let normalized = f32::from(step) / 4096.0;
            for unit in [false, true] {
                let text = with(param, |p| p.write(normalized, unit));
                let back = with(param, |p| p.read(&text)).unwrap_or_else(|| panic!("{id}: {text}"));
                assert_eq!(with(param, |p| p.write(back, unit)), text, "{id}");
                assert!((back - normalized).abs() < 0.51, "{id}: {text}");
            }
        }
    }
}

#[test]
fn values_are_typed_as_musicians_type_them() {
    let params = AutoVoiceParams::default();
    for (id, typed, shown) in [
        ("pitch", "+3 st 20 ct", "+3 st 20 ct"),
        ("pitch", "-5", "-5 st"),
        ("pitch", "1 oct", "+12 st"),
        ("pitch", "99", "+24 st"),
        ("formant", "-50 ct", "-50 ct"),
        ("formant", "-99", "-12 st"),
        ("mix", "50", "50 %"),
        ("mix", "33.3 %", "33.3 %"),
        ("mix", "120 %", "100 %"),
        ("input_db", "-6", "-6.0 dB"),
        ("input_db", "+3.5 dB", "+3.5 dB"),
        ("input_db", "-inf", "-inf dB"),
        ("input_db", "-99", "-inf dB"),
        ("gate_db", "off", "off"),
        ("gate_db", "-45 dB", "-45.0 dB"),
        ("retune_ms", "0", "0 ms"),
        ("retune_ms", "30 ms", "30 ms"),
        ("retune_ms", "12,5ms", "12.5 ms"),
        ("tuning_hz", "442 Hz", "442 Hz"),
        ("tuning_hz", "415", "415 Hz"),
        ("key", "Db", "C#"),
        ("key", "C# minor", "C#"),
        ("scale", "MINOR", "minor"),
        ("scale", "C# minor", "minor"),
        ("scale", "harmonic minor", "harmonic minor"),
        ("scale", "custom", "custom"),
        ("custom_scale", "C E G", "C E G"),
        ("custom_scale", "C# minor", "C# D# E F# G# A B"),
        ("custom_scale", "100000000000", "C"),
        ("range", "soprano", "Soprano"),
        ("midi_mode", "nearest note", "Nearest note"),
        ("slot", "voice 3", "Voice 3"),
        ("dropout_mode", "silence", "Silence"),
        ("low_cut_hz", "120 Hz", "120 Hz"),
        ("low_cut_hz", "80", "80 Hz"),
        ("low_cut_hz", "1k", "1 kHz"),
        ("low_cut_hz", "OFF", "off"),
        ("low_cut_hz", "5", "off"),
        ("high_cut_hz", "3.2 kHz", "3.2 kHz"),
        ("high_cut_hz", "3,25k", "3.25 kHz"),
        ("high_cut_hz", "3400", "3.4 kHz"),
        ("high_cut_hz", "off", "off"),
        ("high_cut_hz", "50 kHz", "off"),
        ("index_rate", "75", "75 %"),
        ("protect", "33 %", "33 %"),
        ("protect", "80 %", "50 %"),
        ("speaker", " 7", "7"),
        ("speaker", "200", "108"),
        ("quality", "studio", "Studio"),
        ("threads", "1", "1"),
        ("threads", " 2 ", "2"),
        ("threads", "0", "1"),
        ("threads", "8", "2"),
        ("morph", "on", "on"),
        ("morph_x", "25 %", "25 %"),
        ("morph_y", "110", "100 %"),
        ("bypass", "on", "on"),
        ("bypass", "NO", "off"),
    ] {
        let param = named(&params, id);
        let read = with(param, |p| p.read(typed)).unwrap_or_else(|| panic!("{id}: {typed}"));
        assert_eq!(with(param, |p| p.write(read, true)), shown, "{id}: {typed}");
    }
    for (id, typed) in [
        ("pitch", "loud"),
        ("mix", "half"),
        ("mix", "NaN"),
        ("input_db", ""),
        ("retune_ms", "inf"),
        ("key", "H"),
        ("scale", "C funky"),
        ("custom_scale", "custom"),
        ("custom_scale", ""),
        ("range", "alto"),
        ("slot", "5"),
        ("speaker", "me"),
        ("speaker", "1.5"),
        ("quality", "best"),
        ("threads", "all"),
        ("morph", "half"),
        ("morph_x", "left"),
        ("low_cut_hz", "low"),
        ("high_cut_hz", "1e39 kHz"),
        ("bypass", "maybe"),
    ] {
        let read = with(named(&params, id), |p| p.read(typed));
        assert_eq!(read, None, "{id}: {typed}");
    }
}

#[test]
fn every_parameter_reaches_the_audio_path() {
    type Get = fn(&Settings) -> bool;
    let cases: [(&str, &str, Get); 29] = [
        ("bypass", "on", |s| s.bypass),
        ("mix", "25 %", |s| s.mix == 0.25),
        ("input_db", "-6 dB", |s| s.input_db == -6.0),
        ("gate_db", "-40 dB", |s| s.gate_db == -40.0),
        ("output_db", "3 dB", |s| s.output_db == 3.0),
        ("limiter", "on", |s| s.limiter),
        ("pitch", "-7", |s| s.controls.pitch_semitones == -7.0),
        ("formant", "2", |s| s.controls.formant_semitones == 2.0),
        ("correct", "on", |s| s.controls.correction.enabled),
        ("scale", "major", |s| {
            s.controls.correction.scale.bits() == 0b1010_1011_0101
        }),
        ("tuning_hz", "432", |s| {
            s.controls.correction.tuning_hz == 432.0
        }),
        ("retune_ms", "100", |s| {
            s.controls.correction.retune_ms == 100.0
        }),
        ("amount", "50", |s| s.controls.correction.amount == 0.5),
        ("humanize", "100", |s| s.controls.correction.humanize == 1.0),
        ("midi_mode", "Last note", |s| {
            s.controls.correction.midi == MidiMode::Last
        }),
        ("midi_mode", "Nearest note", |s| {
            s.controls.correction.midi == MidiMode::Nearest
        }),
        ("slot", "Voice 4", |s| s.slot == 4),
        ("dropout_mode", "Silence", |s| {
            s.dropout == DropoutMode::Silence
        }),
        ("dropout_mode", "Shift", |s| s.dropout == DropoutMode::Shift),
        ("low_cut_hz", "300 Hz", |s| s.low_cut_hz == 300.0),
        ("high_cut_hz", "3 kHz", |s| s.high_cut_hz == 3_000.0),
        ("index_rate", "0", |s| s.controls.voice.index_rate == 0.0),
        ("protect", "10", |s| s.controls.voice.protect == 0.1),
        ("rms_mix", "25", |s| s.controls.voice.rms_mix == 0.25),
        ("speaker", "108", |s| s.controls.voice.speaker == 108),
        ("hold_pitch", "on", |s| s.controls.voice.hold_pitch),
        ("morph", "on", |s| s.controls.voice.morph.on),
        ("morph_x", "25", |s| s.controls.voice.morph.x == 0.25),
        ("morph_y", "25", |s| s.controls.voice.morph.y == 0.25),
    ];
    for (id, text, has_arrived) in cases {
        let params = AutoVoiceParams::default();
        assert!(!has_arrived(&params.settings(HeldNotes::default())), "{id}");
        set_text(named(&params, id), text);
        assert!(has_arrived(&params.settings(HeldNotes::default())), "{id}");
    }
}

#[test]
fn key_scale_and_mask_make_one_set_of_notes() {
    let params = AutoVoiceParams::default();
    let set_to = |id, text| set_text(named(&params, id), text);
    let mask = || {
        params
            .settings(HeldNotes::default())
            .controls
            .correction
            .scale
    };
    set_to("key", "C#");
    set_to("scale", "minor");
    set_to("custom_scale", "C D E");
    let c_sharp = Key::from_pitch_class(1);
    assert_eq!(mask(), Scale::Minor.mask(c_sharp, ScaleMask::CHROMATIC));
    set_to("scale", "custom");
    assert_eq!(mask(), ScaleMask::from_bits(0b1_0101));
}

#[test]
fn words_stand_in_the_order_of_what_they_mean() {
    let params = AutoVoiceParams::default();
    for range in VoiceRange::ALL {
        set_text(named(&params, "range"), range.name());
        assert_eq!(params.wanted().range, range);
    }
    for tracker in TrackerChoice::ALL {
        set_text(named(&params, "tracker"), tracker.name());
        assert_eq!(params.wanted().tracker, tracker);
    }
    for quality in Quality::ALL {
        set_text(named(&params, "quality"), quality.name());
        assert_eq!(params.wanted().quality, quality);
    }
    for (text, threads) in [("1", 1), ("2", 2)] {
        set_text(named(&params, "threads"), text);
        assert_eq!(params.wanted().threads, threads);
    }
    for mode in DropoutMode::ALL {
        set_text(named(&params, "dropout_mode"), mode.name());
        assert_eq!(params.settings(HeldNotes::default()).dropout, mode);
    }
    for scale in Scale::ALL {
        set_text(named(&params, "scale"), scale.name());
        let expected = scale.mask(Key::default(), ScaleMask::CHROMATIC);
        let got = params
            .settings(HeldNotes::default())
            .controls
            .correction
            .scale;
        assert_eq!(got, expected, "{}", scale.name());
    }
}

fn saved(params: &[(&str, ParamValue)]) -> PluginState {
    PluginState {
        version: "0.1.0".to_owned(),
        params: params
            .iter()
            .map(|(id, value)| ((*id).to_owned(), value.clone()))
            .collect(),
        fields: [(VERSION_KEY.to_owned(), "1".to_owned())].into(),
    }
}

fn load(mut state: PluginState) -> (BTreeMap<String, ParamValue>, String) {
    AutoVoicePlugin::filter_state(&mut state);
    let params = AutoVoiceParams::default();
    params.deserialize_fields(&state.fields);
    (state.params, params.load_report.notice())
}

#[test]
fn what_is_saved_carries_the_version() {
    let fields = AutoVoiceParams::default().serialize_fields();
    let expected = [
        (VERSION_KEY.to_owned(), state::CURRENT.to_string()),
        (VOICES_KEY.to_owned(), "[null,null,null,null]".to_owned()),
    ];
    assert_eq!(fields, expected.into());
}

#[test]
fn states_of_before_there_was_a_parameter_are_complete() {
    const UNKNOWN: [&str; 13] = [
        "tracker",
        "low_cut_hz",
        "high_cut_hz",
        "index_rate",
        "protect",
        "rms_mix",
        "speaker",
        "hold_pitch",
        "quality",
        "threads",
        "morph",
        "morph_x",
        "morph_y",
    ];
    for (version, unknown) in [
        ("1", &UNKNOWN[..]),
        ("2", &UNKNOWN[1..]),
        ("3", &UNKNOWN[3..]),
        ("4", &UNKNOWN[9..]),
        ("5", &UNKNOWN[10..]),
        ("6", &[]),
    ] {
        let mut old: Vec<(&str, ParamValue)> = Vec::new();
        let params = AutoVoiceParams::default();
        for (id, param) in params.all() {
            if !unknown.contains(&id) {
                old.push((id, default_value(param)));
            }
        }
        let mut state = saved(&old);
        state
            .fields
            .insert(VERSION_KEY.to_owned(), version.to_owned());
        let (loaded, notice) = load(state);
        assert_eq!(notice, "", "{version}");
        assert!(matches!(loaded["tracker"], ParamValue::I32(0)));
        assert!(matches!(loaded["low_cut_hz"], ParamValue::F32(20.0)));
        assert!(matches!(loaded["high_cut_hz"], ParamValue::F32(20_000.0)));
        assert!(matches!(loaded["protect"], ParamValue::F32(0.33)));
        assert!(matches!(loaded["quality"], ParamValue::I32(0)));
        assert!(matches!(loaded["threads"], ParamValue::I32(2)));
        assert!(matches!(loaded["morph"], ParamValue::Bool(false)));
        assert!(matches!(loaded["morph_y"], ParamValue::F32(0.5)));
    }
}

#[test]
fn values_are_mended_on_load() {
    use ParamValue::{Bool, F32, I32, String as Text};
    let text = |text: &str| Text(text.to_owned());
    for (id, value, expected, notice) in [
        ("pitch", F32(3.2), F32(3.2), ""),
        ("pitch", F32(99.0), F32(24.0), "clamped to its range: pitch"),
        (
            "pitch",
            F32(f32::NEG_INFINITY),
            F32(-24.0),
            "clamped to its range: pitch",
        ),
        (
            "pitch",
            F32(f32::NAN),
            F32(0.0),
            "unreadable, default used: pitch",
        ),
        ("pitch", I32(3), F32(3.0), ""),
        (
            "pitch",
            Bool(true),
            F32(0.0),
            "unreadable, default used: pitch",
        ),
        (
            "pitch",
            text("3"),
            F32(0.0),
            "unreadable, default used: pitch",
        ),
        ("key", I32(11), I32(11), ""),
        ("key", I32(12), I32(11), "clamped to its range: key"),
        ("key", I32(i32::MIN), I32(0), "clamped to its range: key"),
        ("key", F32(4.0), I32(4), ""),
        ("key", F32(1e30), I32(11), "clamped to its range: key"),
        (
            "key",
            F32(f32::NAN),
            I32(0),
            "unreadable, default used: key",
        ),
        (
            "scale",
            text("klezmer"),
            I32(0),
            "unreadable, default used: scale",
        ),
        (
            "custom_scale",
            I32(0),
            I32(1),
            "clamped to its range: custom_scale",
        ),
        ("slot", I32(-1), I32(0), "clamped to its range: slot"),
        ("threads", I32(1), I32(1), ""),
        ("threads", I32(0), I32(1), "clamped to its range: threads"),
        ("threads", I32(64), I32(2), "clamped to its range: threads"),
        (
            "morph_x",
            F32(-1.0),
            F32(0.0),
            "clamped to its range: morph_x",
        ),
        ("bypass", Bool(true), Bool(true), ""),
        (
            "bypass",
            I32(1),
            Bool(false),
            "unreadable, default used: bypass",
        ),
        (
            "nonsense",
            I32(1),
            I32(1),
            "unknown and ignored: 1 settings",
        ),
    ] {
        let mut state = saved(&[]);
        let params = AutoVoiceParams::default();
        for (id, param) in params.all() {
            state.params.insert(id.to_owned(), default_value(param));
        }
        state.params.insert(id.to_owned(), value.clone());
        let (loaded, said) = load(state);
        assert_eq!(said, notice, "{id}: {value:?}");
        if id == "nonsense" {
            assert!(!loaded.contains_key(id));
        } else {
            assert_eq!(format!("{:?}", loaded[id]), format!("{expected:?}"), "{id}");
        }
    }
}

#[test]
fn what_is_missing_gets_its_default() {
    let (loaded, notice) = load(saved(&[("pitch", ParamValue::F32(5.0))]));
    assert_eq!(loaded.len(), FROZEN.len());
    let params = AutoVoiceParams::default();
    for (id, param) in params.all().into_iter().filter(|(id, _)| *id != "pitch") {
        let default = default_value(param);
        assert_eq!(format!("{:?}", loaded[id]), format!("{default:?}"), "{id}");
    }
    assert!(
        notice.starts_with("missing, default used: bypass, mix"),
        "{notice}"
    );
}

#[test]
fn what_is_not_ours_is_refused_and_changes_nothing() {
    let stamped = |json: &str| {
        let mut state = saved(&[("pitch", ParamValue::F32(5.0))]);
        state.fields.insert(VERSION_KEY.to_owned(), json.to_owned());
        state
    };
    let mut unstamped = saved(&[("pitch", ParamValue::F32(5.0))]);
    unstamped.fields.clear();
    for (state, reason) in [
        (unstamped, "got none"),
        (stamped("0"), "got \"0\""),
        (stamped("-1"), "got \"-1\""),
        (stamped("\"one\""), "got \"\"one\"\""),
        (stamped("{{{"), "got \"{{{\""),
        (saved(&[]), "got none of them"),
        (saved(&[("gain", ParamValue::F32(1.0))]), "got none of them"),
    ] {
        let (loaded, notice) = load(state);
        assert!(loaded.is_empty());
        assert!(notice.contains(reason), "{notice}");
        assert!(notice.ends_with("nothing was changed"), "{notice}");
    }
}

#[test]
fn a_newer_state_is_loaded_as_far_as_it_is_known() {
    let mut state = saved(&[
        ("pitch", ParamValue::F32(5.0)),
        ("reverb", ParamValue::I32(1)),
    ]);
    state.fields.insert(VERSION_KEY.to_owned(), "7".to_owned());
    let (loaded, notice) = load(state);
    assert!(matches!(loaded["pitch"], ParamValue::F32(5.0)));
    assert!(
        notice.starts_with("state 7 of a newer AutoVoice"),
        "{notice}"
    );
    assert!(
        notice.ends_with("unknown and ignored: 1 settings"),
        "{notice}"
    );
}

#[test]
fn no_mutation_gets_past_the_check() {
    let params = AutoVoiceParams::default();
    let mut state = saved(&[]);
    for (id, param) in params.all() {
        state.params.insert(id.to_owned(), default_value(param));
    }
    let valid = serde_json::to_vec(&state).expect("a state is JSON");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |bound: usize| {
        // xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators".
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        (random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    };
    let snippets: [&[u8]; 12] = [
        b"-", b"9", b"1e39", b"1e400", b"null", b"true", b"\"x\"", b"{}", b"[]", b"0", b"f32",
        b"bool",
    ];
    let (mut parsed, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut json = valid.clone();
        for _ in 0..=next(3) {
            let at = next(json.len());
            match next(4) {
                0 => json[at] = next(256) as u8,
                1 => drop(json.drain(at..(at + next(12)).min(json.len()))),
                2 => drop(json.splice(at..=at, snippets[next(12)].iter().copied())),
                _ => json[at] = json[next(json.len())],
            }
            if json.is_empty() {
                break;
            }
        }
        let Ok(state) = serde_json::from_slice::<PluginState>(&json) else {
            continue;
        };
        parsed += 1;
        let (loaded, _) = load(state);
        refused += usize::from(loaded.is_empty());
        assert!(loaded.is_empty() || loaded.len() == FROZEN.len());
        for (id, param) in params.all() {
            let Some(value) = loaded.get(id) else {
                continue;
            };
            assert!(is_in_range(param, value), "{id}: {value:?}");
        }
    }
    assert!(parsed > 500, "{parsed} mutations were still JSON");
    assert!(refused > 10, "{refused} were refused");
}

fn default_value(param: ParamRef<'_>) -> ParamValue {
    match param {
        ParamRef::Float(p) => ParamValue::F32(p.default_plain_value()),
        ParamRef::Int(p) => ParamValue::I32(p.default_plain_value()),
        ParamRef::Bool(p) => ParamValue::Bool(p.default_plain_value()),
    }
}

/// A value is in range if setting it, by its own normalized value, gives it back.
fn is_in_range(param: ParamRef<'_>, value: &ParamValue) -> bool {
    match (param, value) {
        (ParamRef::Float(p), ParamValue::F32(v)) => {
            let (low, high) = (p.preview_plain(0.0), p.preview_plain(1.0));
            (low..=high).contains(v)
        }
        (ParamRef::Int(p), ParamValue::I32(v)) => p.preview_plain(p.preview_normalized(*v)) == *v,
        (ParamRef::Bool(_), ParamValue::Bool(_)) => true,
        _ => false,
    }
}

#[test]
fn hosts_cannot_push_a_parameter_out_of_range() {
    let params = AutoVoiceParams::default();
    for (id, param) in params.all() {
        for wild in [-1e30, -1.0, 2.0, 1e30, f32::INFINITY] {
            set(param, wild);
            let value = match param {
                ParamRef::Float(p) => ParamValue::F32(p.unmodulated_plain_value()),
                ParamRef::Int(p) => ParamValue::I32(p.unmodulated_plain_value()),
                ParamRef::Bool(p) => ParamValue::Bool(p.unmodulated_plain_value()),
            };
            assert!(is_in_range(param, &value), "{id}: {value:?}");
        }
        assert!(with(param, |p| p.read("").is_none()), "{id}");
    }
}
