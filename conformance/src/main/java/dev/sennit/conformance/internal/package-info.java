/** What the tests of the contract share: bodies of tasks, callers that wait, conditions. */
@NullUnmarked
package dev.sennit.conformance.internal;

import org.jspecify.annotations.NullUnmarked;
