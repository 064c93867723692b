/** The file that says what {@code sennit services} runs: {@link dev.sennit.cli.services.ServicesFile} reads it. */
@NullMarked
package dev.sennit.cli.services;

import org.jspecify.annotations.NullMarked;
