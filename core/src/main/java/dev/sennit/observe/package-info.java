/**
 * What tasks do, for those who look on: {@link dev.sennit.observe.TaskEvents} is one stream of events over all pools of
 * this JVM.
 */
@NullMarked
package dev.sennit.observe;

import org.jspecify.annotations.NullMarked;
