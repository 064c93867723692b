/**
 * The command {@code sennit}: {@link dev.sennit.cli.Main} starts it, and {@link dev.sennit.cli.Sennit} finds the
 * subcommand. Each package below holds one subject's commands and knows {@code command}, which knows no other.
 */
@NullMarked
package dev.sennit.cli;

import org.jspecify.annotations.NullMarked;
