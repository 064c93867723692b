/** Channels and actors. */
package dev.sennit.examples.channels;
