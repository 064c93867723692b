/**
 * Turns tasks, results and messages into bytes and back, and decides what may be read. Knows neither processes nor pipes, managers or shared
 * memory: they register what messages have to know of them.
 */
@NullMarked
package dev.sennit.codec;

import org.jspecify.annotations.NullMarked;
