/** Small programs that show pools at work: {@code sennit primes}, {@code sums} and {@code spinner}. */
@NullMarked
package dev.sennit.cli.programs;

import org.jspecify.annotations.NullMarked;
