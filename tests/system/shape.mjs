// Exact shapes: shape(value, 'id,name,lastSeenAt') holds when value is an object with these members and no
// other, in any order. A trailing ? marks one that may be missing.
import assert from 'node:assert/strict';

export function shape(value, members) {
    assert.equal(typeof value, 'object', `not an object: ${JSON.stringify(value)}`);
    assert.ok(value !== null && !Array.isArray(value), `not an object: ${JSON.stringify(value)}`);
    const wanted = members.split(',');
    const names = wanted.map((name) => name.replace('?', ''));
    const missing = wanted.filter((name) => !name.endsWith('?') && !(name in value));
    const extra = Object.keys(value).filter((name) => !names.includes(name));
    assert.deepEqual({ missing, extra }, { missing: [], extra: [] }, JSON.stringify(value).slice(0, 500));
}

export const DEVICE = 'id,externalId,name,description,active,location,sensorType,firmwareVersion,properties,status,lastSeenAt,'
    + 'healthScore,healthStatus,lastHealthCheckAt,latitude,longitude,tags,groups,altitude?,createdAt?,updatedAt?';
export const TOKENS = 'accessToken,refreshToken,token,tokenType,userId,username,email,organizationId';
export const ME = 'id,username,email,firstName,lastName,organizationId,organizationName,roles,enabled,avatarUrl,avatarVersion,themePreference';
export const USER = `${ME},createdAt,lastLoginAt`;
export const INVITATION = 'id,email,roles,status,invitedBy,createdAt,expiresAt,acceptedAt';
export const VARIABLE = 'id,deviceId,deviceExternalId,name,displayName,description,unit,dataType,dataSource,icon,color,minValue,'
    + 'maxValue,decimalPlaces,lastValue,lastValueAt,createdAt,updatedAt';
export const EVENT = 'id,eventType,severity,entityType,entityId,title,description,metadata,userId,deviceId,createdAt,actor,address,requestId';
export const DASHBOARD = 'id,name,description,isDefault,defaultDeviceId,layoutConfig,widgets,createdAt,updatedAt';
export const WIDGET = 'id,dashboardId,name,type,positionX,positionY,width,height,deviceId,secondDeviceId,variableName,secondVariableName,'
    + 'deviceLabel,secondDeviceLabel,aggregation,timeRangeMinutes,config,createdAt,updatedAt';
export const RULE = 'id,name,description,deviceId,deviceName,variable,operator,threshold,enabled,forSeconds,clearThreshold,cooldownMinutes,createdAt';
export const ALERT = 'id,ruleId,ruleName,deviceId,deviceName,message,severity,triggeredValue,acknowledged,acknowledgedAt,resolvedAt,timestamp';
export const PAGE = 'content,totalElements,totalPages,number,size,numberOfElements,first,last,empty';

export const WEBHOOK = 'id,name,url,events,minSeverity,enabled,createdAt,updatedAt';
export const PREFERENCE = 'id,channel,enabled,destination,minSeverity,immediate,digestIntervalMinutes,createdAt,updatedAt';
export const DELIVERY = 'id,deliveryId,alertId,event,channel,webhookId,destination,subject,message,status,attempts,responseStatus,'
    + 'errorMessage,nextAttemptAt,sentAt,createdAt';
export const TRIED = 'delivered,status,error,durationMs,destination,deliveryId';

// problem+json of this status; `more` are members beside the usual six.
export function problem(answer, status, more = '') {
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
    shape(answer.json, `type,title,status,detail,instance,requestId${more && `,${more}`}`);
    assert.equal(answer.json.status, status);
    assert.ok(answer.json.detail.length > 5, answer.text);
    assert.equal(answer.json.requestId, answer.headers.get('x-request-id'));
    return answer.json;
}
