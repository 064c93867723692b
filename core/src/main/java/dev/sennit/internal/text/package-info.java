/** Text for other programs: JSON, and the format of Prometheus. */
@NullMarked
package dev.sennit.internal.text;

import org.jspecify.annotations.NullMarked;
