/** The commands that look at what runs in other processes: {@code sennit ps}, {@code top} and {@code record}. */
@NullMarked
package dev.sennit.cli.watch;

import org.jspecify.annotations.NullMarked;
