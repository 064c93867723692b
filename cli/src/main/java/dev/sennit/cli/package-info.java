/** The command {@code sennit}: {@link dev.sennit.cli.Main} is its way in, one class a command, and what they share. */
@NullMarked
package dev.sennit.cli;

import org.jspecify.annotations.NullMarked;
