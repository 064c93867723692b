/**
 * The parts of {@code sennit services}: {@link dev.sennit.cli.services.ServicesFile} reads the file that says what
 * runs, {@link dev.sennit.cli.services.ServicesRun} runs it, and {@link dev.sennit.cli.services.FigurePages} serves
 * figures of what runs.
 */
@NullMarked
package dev.sennit.cli.services;

import org.jspecify.annotations.NullMarked;
