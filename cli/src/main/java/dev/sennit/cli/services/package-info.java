/**
 * What {@code sennit services} is made of: {@link dev.sennit.cli.services.ServicesFile} reads the file that says what
 * runs, and {@link dev.sennit.cli.services.FigureServer} serves figures of what runs.
 */
@NullMarked
package dev.sennit.cli.services;

import org.jspecify.annotations.NullMarked;
