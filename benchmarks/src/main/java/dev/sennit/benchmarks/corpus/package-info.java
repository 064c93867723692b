/** Programs of others with known bugs, run under chosen schedules and plainly: {@code benchmarks/run corpus}. */
@NullMarked
package dev.sennit.benchmarks.corpus;

import org.jspecify.annotations.NullMarked;
