//! The audio side of an instance: may move to another thread and come back to be deactivated.

use anyhow::{Context, Result, ensure};
use clack_host::events::event_types::{MidiEvent, NoteOffEvent, NoteOnEvent, ParamValueEvent};
use clack_host::prelude::*;

use super::callbacks::{Callbacks, Shared};

/// Something that happens at one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A parameter moves to a value.
    Param {
        /// The parameter's number.
        id: u32,
        /// Its value.
        value: f64,
    },
    /// A key goes down.
    NoteOn {
        /// MIDI note number.
        key: u16,
        /// Velocity, 0..=1.
        velocity: f64,
    },
    /// A key comes up.
    NoteOff {
        /// MIDI note number.
        key: u16,
    },
    /// A raw MIDI message.
    Midi([u8; 3]),
}

/// Events by frame, in order.
pub type Timeline = [(usize, Event)];

/// The started audio processor of an instance, with a host's buffers.
pub struct Audio {
    processor: StartedPluginAudioProcessor<Callbacks>,
    input_ports: AudioPorts,
    output_ports: AudioPorts,
    inputs: usize,
    outputs: usize,
    max_block: usize,
    /// Frames processed since activation: the host's steady clock.
    clock_frames: u64,
}

impl Audio {
    pub(super) fn new(
        processor: StartedPluginAudioProcessor<Callbacks>,
        inputs: usize,
        outputs: usize,
        max_block: u32,
    ) -> Self {
        Self {
            processor,
            input_ports: AudioPorts::with_capacity(inputs, 1),
            output_ports: AudioPorts::with_capacity(outputs, 1),
            inputs,
            outputs,
            max_block: max_block as usize,
            clock_frames: 0,
        }
    }

    pub(super) fn into_processor(self) -> StartedPluginAudioProcessor<Callbacks> {
        self.processor
    }

    /// Channels in and out.
    #[must_use]
    pub fn channels(&self) -> (usize, usize) {
        (self.inputs, self.outputs)
    }

    /// Clears the plugin's signal history, as a host does when the playhead jumps.
    pub fn reset(&mut self) {
        self.processor
            .access_shared_handler(Shared::enter_audio_thread);
        self.processor.reset();
        self.processor
            .access_shared_handler(Shared::leave_audio_thread);
    }

    /// One block. `input` and `output` hold the layout's channels, all of the same length.
    ///
    /// # Errors
    /// When the plugin reports an error, leaves a sample unwritten or writes one that is not
    /// finite.
    pub fn process(
        &mut self,
        input: &mut [Vec<f32>],
        output: &mut [Vec<f32>],
        events: &Timeline,
    ) -> Result<ProcessStatus> {
        let frames = input.first().map_or(0, Vec::len);
        ensure!(
            input.len() == self.inputs && output.len() == self.outputs && frames <= self.max_block,
            "expected {} in, {} out, at most {} frames; got {}, {}, {frames}",
            self.inputs,
            self.outputs,
            self.max_block,
            input.len(),
            output.len(),
        );
        // What the plugin does not write stays NaN and is found below.
        output.iter_mut().for_each(|channel| channel.fill(f32::NAN));
        let events = self::events(events)?;
        let mut returned = EventBuffer::new();
        let in_buffers = self.input_ports.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                input
                    .iter_mut()
                    .map(|c| InputChannel::variable(c.as_mut_slice())),
            ),
        }]);
        let mut out_buffers = self.output_ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                output.iter_mut().map(Vec::as_mut_slice),
            ),
        }]);
        self.processor
            .access_shared_handler(Shared::enter_audio_thread);
        let status = self.processor.process(
            &in_buffers,
            &mut out_buffers,
            &events.as_input(),
            &mut returned.as_output(),
            Some(self.clock_frames),
            None,
        );
        self.processor
            .access_shared_handler(Shared::leave_audio_thread);
        let status = status.context("the plugin reported an error from process")?;
        for (channel, samples) in output.iter().enumerate() {
            if let Some(frame) = samples.iter().position(|sample| !sample.is_finite()) {
                let frame = self.clock_frames + frame as u64;
                anyhow::bail!("output channel {channel}, frame {frame} is unwritten or not finite");
            }
        }
        self.clock_frames += frames as u64;
        Ok(status)
    }

    /// A whole signal in blocks of whatever length `next_block` says (at least 1, cut to what is
    /// left and to the longest block).
    ///
    /// # Errors
    /// As [`Self::process`].
    pub fn render(
        &mut self,
        input: &[Vec<f32>],
        mut next_block: impl FnMut() -> usize,
        timeline: &Timeline,
    ) -> Result<Vec<Vec<f32>>> {
        let total = input.first().map_or(0, Vec::len);
        let mut rendered = vec![Vec::with_capacity(total); self.outputs];
        let mut start = 0;
        while start < total {
            let frames = next_block().clamp(1, self.max_block).min(total - start);
            let mut block: Vec<Vec<f32>> = input
                .iter()
                .map(|c| c[start..start + frames].to_vec())
                .collect();
            let mut output = vec![vec![0.0; frames]; self.outputs];
            let events: Vec<(usize, Event)> = timeline
                .iter()
                .filter(|(frame, _)| (start..start + frames).contains(frame))
                .map(|&(frame, event)| (frame - start, event))
                .collect();
            self.process(&mut block, &mut output, &events)?;
            for (all, part) in rendered.iter_mut().zip(&output) {
                all.extend_from_slice(part);
            }
            start += frames;
        }
        Ok(rendered)
    }
}

/// Frames of a time.
#[must_use]
pub fn frames_at(rate_hz: f64, seconds: f64) -> usize {
    (rate_hz * seconds).round() as usize
}

pub(super) fn events(timeline: &Timeline) -> Result<EventBuffer> {
    let mut buffer = EventBuffer::with_capacity(timeline.len());
    for &(frame, event) in timeline {
        let time = u32::try_from(frame).context("an event this far ahead")?;
        let note = |key: u16| Pckn::new(0u16, 0u16, key, 0u32);
        match event {
            Event::Param { id, value } => {
                let id = super::clap_id(id)?;
                buffer.push(&ParamValueEvent::new(time, id, Pckn::match_all(), value));
            }
            Event::NoteOn { key, velocity } => {
                buffer.push(&NoteOnEvent::new(time, note(key), velocity));
            }
            Event::NoteOff { key } => buffer.push(&NoteOffEvent::new(time, note(key), 0.0)),
            Event::Midi(data) => buffer.push(&MidiEvent::new(time, 0, data)),
        }
    }
    Ok(buffer)
}
