import { Type } from 'typebox'

export const EventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ pattern: '^[0-9]{1,15}$', description: 'The last event that the client has; what came after it is sent again, as far as it is kept' }),
  ),
})

export const EVENT_RESPONSES = {
  200: {
    description:
      'Events `progress`, at most one per interval and the latest winning, then one `end` with `state`, `error` and the last `progress`. The `id` is a sequence number.',
    content: { 'text/event-stream': { schema: Type.String() } },
  },
  204: Type.Null({ description: 'The client has all events; there will be no more' }),
} as const
