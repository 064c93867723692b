/** The command {@code sennit}: {@link dev.sennit.cli.Main} starts it; each subcommand is a class. */
@NullMarked
package dev.sennit.cli;

import org.jspecify.annotations.NullMarked;
