/**
 * What every command is made of: {@link dev.sennit.cli.command.Terminal} is its input and output,
 * {@link dev.sennit.cli.command.CommandException} its errors, {@link dev.sennit.cli.command.OpenPools} its pools, and
 * {@link dev.sennit.cli.command.UserCode} the classes of its user. Knows no command.
 */
@NullMarked
package dev.sennit.cli.command;

import org.jspecify.annotations.NullMarked;
