/**
 * The parts of REST services beside routes: conditional requests ({@link dev.sennit.server.rest.Conditional}), streams
 * of events ({@link dev.sennit.server.rest.EventStreams}) and jobs that go on after their request ({@link
 * dev.sennit.server.rest.Jobs}).
 */
@NullMarked
package dev.sennit.server.rest;

import org.jspecify.annotations.NullMarked;
