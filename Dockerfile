# docker build --tag wharfinger/wharfinger .
#
# nginx is in it because it tests what is rolled out; it must be at least as new as
# the proxies'.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o /wharfinger ./cmd/wharfinger

FROM nginx:1.30
COPY --from=build /wharfinger /wharfinger
# The image's own would start nginx, and its signal let nginx drain.
STOPSIGNAL SIGTERM
EXPOSE 8080
ENTRYPOINT ["/wharfinger"]
CMD ["watch", "--help"]
