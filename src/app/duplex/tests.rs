//! Two clocks in virtual time: drift over an hour, stalls of either side, jitter.

use super::*;
use std::f64::consts::TAU;

/// A pair of devices around a [`duplex`], each with a clock of its own.
struct Devices {
    plan: Plan,
    writer: Writer,
    reader: Reader,
    /// Blocks brought and asked for so far.
    input: u64,
    output: u64,
    input_hz: f64,
    output_hz: f64,
    /// True time in seconds at which each device began to count.
    input_from_s: f64,
    output_from_s: f64,
    dropouts: u64,
    jitter_s: f64,
    state: u32,
    /// The last block that came out, and the true time of its first frame.
    heard: Vec<f32>,
    heard_at_s: f64,
}

/// What is in the air: a sine slow enough that its phase tells the delay without doubt.
const HZ: f64 = 10.0;

impl Devices {
    fn new(plan: Plan, input_ppm: f64) -> Self {
        let (writer, reader) = duplex(plan);
        let rate = f64::from(plan.rate_hz);
        Self {
            plan,
            writer,
            reader,
            input: 0,
            output: 0,
            input_hz: rate * (1.0 + input_ppm * 1e-6),
            output_hz: rate,
            input_from_s: 0.0,
            output_from_s: 0.0013,
            dropouts: 0,
            jitter_s: 0.0,
            state: 1,
            heard: vec![0.0; plan.output_block],
            heard_at_s: 0.0,
        }
    }

    fn late_s(&mut self) -> f64 {
        self.state = self
            .state
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.jitter_s * f64::from(self.state >> 8) / f64::from(1 << 24)
    }

    /// Runs until this true time.
    fn run_until(&mut self, until_s: f64) {
        loop {
            let block_s = self.plan.input_block as f64 / self.input_hz;
            // A block of input is there when its last frame is.
            let next_in = self.input_from_s + (self.input + 1) as f64 * block_s;
            let out_s = self.plan.output_block as f64 / self.output_hz;
            let next_out = self.output_from_s + self.output as f64 * out_s;
            if until_s < next_in.min(next_out) {
                return;
            }
            if next_in <= next_out {
                let begin_s = next_in - block_s;
                let hz = self.input_hz;
                let now = Duration::from_secs_f64(next_in + self.late_s());
                self.writer.push(self.plan.input_block, now, |at| {
                    let time_s = begin_s + at as f64 / hz;
                    [(TAU * HZ * time_s).sin() as f32; 2]
                });
                self.input += 1;
            } else {
                let now = Duration::from_secs_f64(next_out + self.late_s());
                let pulled = self.reader.pull(&mut [&mut self.heard], now);
                self.dropouts += u64::from(pulled.is_dropout);
                self.heard_at_s = next_out;
                self.output += 1;
            }
        }
    }

    /// The delay of the last block in frames, by the phase of what came out.
    fn delay(&self) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        // Least squares over a part of a period: solve for sine and cosine.
        let (mut ss, mut sc, mut cc) = (0.0, 0.0, 0.0);
        for (at, x) in self.heard.iter().enumerate() {
            let time_s = self.heard_at_s + at as f64 / self.output_hz;
            let (s, c) = (TAU * HZ * time_s).sin_cos();
            ss += s * s;
            sc += s * c;
            cc += c * c;
            re += s * f64::from(*x);
            im += c * f64::from(*x);
        }
        let det = ss * cc - sc * sc;
        let (a, b) = ((re * cc - im * sc) / det, (im * ss - re * sc) / det);
        let phase = (-b).atan2(a).rem_euclid(TAU);
        phase / TAU / HZ * f64::from(self.plan.rate_hz)
    }

    #[track_caller]
    fn assert_on_target(&self, within: f64) {
        let (delay, target) = (self.delay(), self.plan.delay() as f64);
        // The phase does not tell whole periods.
        let period = f64::from(self.plan.rate_hz) / HZ;
        let off = (delay - target + 0.5 * period).rem_euclid(period) - 0.5 * period;
        assert!(
            off.abs() < within,
            "{delay:.2} frames, expected {target}, deviation {:.2}, drift {:.1} ppm",
            self.reader.deviation(),
            self.reader.drift() * 1e6,
        );
    }
}

const fn plan(input_block: Frames, output_block: Frames) -> Plan {
    Plan {
        rate_hz: 8_000,
        input_block,
        output_block,
        channels: 1,
    }
}

#[test]
fn an_hour_of_clocks_that_differ_by_200_ppm() {
    for ppm in [200.0, -200.0] {
        let mut devices = Devices::new(plan(64, 48), ppm);
        let mut from_start = 0.0f64;
        for second in 1..=3_600 {
            devices.run_until(f64::from(second));
            let off = (devices.delay() - devices.plan.delay() as f64).abs();
            from_start = from_start.max(off);
            if second > 60 {
                // A quarter of a millisecond at most, once the drift is known.
                devices.assert_on_target(2.0);
            }
        }
        assert_eq!(devices.dropouts, 0);
        assert!(from_start < 24.0, "{from_start} frames off while settling");
        let found = devices.reader.drift() * 1e6;
        assert!((found - ppm).abs() < 20.0, "{found} ppm, {ppm} are true");
    }
}

#[test]
fn the_delay_is_the_one_planned_for_every_pair_of_blocks() {
    for (input, output) in [(64, 64), (32, 256), (256, 32), (37, 100), (480, 441)] {
        let mut devices = Devices::new(plan(input, output), 20.0);
        devices.run_until(60.0);
        devices.assert_on_target(2.0);
        assert_eq!(devices.dropouts, 0, "{input} {output}");
    }
}

#[test]
fn after_a_stall_of_either_side_the_delay_is_back_at_once() {
    for stall_s in [0.004, 0.02, 0.1, 0.7, 5.0, 90.0] {
        for stalls_input in [true, false] {
            let mut devices = Devices::new(plan(64, 48), 50.0);
            devices.run_until(40.0);
            let before = devices.dropouts;
            // The clock of the one that stalls loses time: an xrun. The other goes on.
            match stalls_input {
                true => devices.input_from_s += stall_s,
                false => devices.output_from_s += stall_s,
            }
            // Fifteen blocks after it is over.
            devices.run_until(40.0 + stall_s + 0.12);
            devices.assert_on_target(20.0);
            let dropouts = devices.dropouts - before;
            assert!(
                dropouts <= 1,
                "{stall_s} {stalls_input}: {dropouts} dropouts"
            );
            devices.run_until(80.0 + stall_s);
            devices.assert_on_target(2.0);
        }
    }
}

#[test]
fn late_callbacks_are_no_reason_to_jump() {
    let mut devices = Devices::new(
        Plan {
            rate_hz: 48_000,
            ..plan(256, 256)
        },
        100.0,
    );
    devices.jitter_s = 0.0015;
    devices.run_until(60.0);
    let skipped_before = devices.dropouts;
    devices.run_until(120.0);
    assert_eq!((devices.dropouts, skipped_before), (0, 0));
    devices.assert_on_target(48.0);
}
