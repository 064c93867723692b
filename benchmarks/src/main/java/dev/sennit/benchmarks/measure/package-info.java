/**
 * How to measure, and what with: {@link dev.sennit.benchmarks.measure.Experiment} is what all experiments are,
 * {@link dev.sennit.benchmarks.measure.Bench} what they run on, {@link dev.sennit.benchmarks.measure.Rounds} how they
 * run, and {@link dev.sennit.benchmarks.measure.Report} what they tell. Peers are processes that measure themselves.
 */
@NullMarked
package dev.sennit.benchmarks.measure;

import org.jspecify.annotations.NullMarked;
